"""The progress line of a run: counts, time, estimate, on a terminal and in a log file."""

from __future__ import annotations

import io
import sys

import pytest
from toy.running import toy_suite, toys

from gath_bench.evaluation.progress import ProgressLine, progress_line
from gath_bench.registry import Registry
from gath_bench.suite import Plan, make_plan


class Clock:
    """Seconds that pass only when a test says so."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def plan() -> Plan:
    """Three cells of 12 samples: toy-exact, toy-copy, toy-edit."""
    return make_plan(toy_suite(("toy-edit",)), Registry.of(toys()))


def test_line_has_cell_model_data_set_samples_and_times(plan: Plan) -> None:
    clock = Clock()
    line = ProgressLine(plan, clock)
    names = [cell.cell_id for cell in plan.cells]
    line.advance(names[0], 0)
    assert line.text() == f"[1/{len(names)}] {plan.cells[0].model.name} on toy 0/12 0:00:00"
    clock.now += 8
    line.advance(names[0], 4)
    # 4 of 36 samples took 8 s: the other 32 take 64 s.
    assert line.text() == f"[1/{len(names)}] {plan.cells[0].model.name} on toy 4/12 0:00:08, 0:01:04 left"
    line.advance(names[0], 8)
    assert line.finished
    line.advance(names[1], 0)
    clock.now += 3
    assert line.text().startswith(f"[2/{len(names)}] {plan.cells[1].model.name} on toy 0/12 0:00:03, ")


def test_samples_of_a_resumed_run_do_not_count_as_measured(plan: Plan) -> None:
    clock = Clock()
    line = ProgressLine(plan, clock)
    line.advance(plan.cells[0].cell_id, 12)
    line.advance(plan.cells[1].cell_id, 8)
    clock.now += 6
    assert line.seconds_left is None
    line.advance(plan.cells[1].cell_id, 4)
    assert line.seconds_left == pytest.approx(12 * 6 / 4)


def test_cells_of_an_earlier_process_are_not_left_to_do(plan: Plan) -> None:
    clock = Clock()
    line = ProgressLine(plan, clock, finished=[plan.cells[0].cell_id])
    line.advance(plan.cells[1].cell_id, 8)  # on disk, when it was restarted
    clock.now += 6
    assert line.seconds_left is None
    line.advance(plan.cells[1].cell_id, 4)
    assert line.text().startswith("[2/3] ")
    assert line.seconds_left == pytest.approx(12 * 6 / 4)


def test_protocol_is_named_where_a_data_set_has_several() -> None:
    plan = make_plan(toy_suite((), protocols=("same-subject", "sweep")), Registry.of(toys()))
    line = ProgressLine(plan)
    shown = set()
    for cell in plan.cells:
        line.advance(cell.cell_id, 0)
        shown.add(line.text().split(" on ")[1].split(" 0/")[0])
    assert shown == {"toy (same-subject)", "toy (sweep)"}


def test_long_names_are_cut_and_counts_are_not(plan: Plan) -> None:
    line = ProgressLine(plan, Clock())
    line.advance(plan.cells[0].cell_id, 4)
    text = line.text(width=30)
    assert len(text) == 30
    assert text.endswith("… 4/12 0:00:00")


def test_log_file_gets_a_line_for_each_cell(plan: Plan, capsys: pytest.CaptureFixture[str]) -> None:
    with progress_line(plan) as advance:
        for cell in plan.cells:
            for count in (0, 4, 8):
                advance(cell.cell_id, count)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(" 12/12 ")[0] for line in lines] == [
        f"[{number}/3] {cell.model.name} on toy" for number, cell in enumerate(plan.cells, 1)
    ]


def test_terminal_shows_the_current_cell(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    with progress_line(plan) as advance:
        for cell in plan.cells:
            advance(cell.cell_id, 0)
            advance(cell.cell_id, 12)
    shown = terminal.getvalue()
    for number, cell in enumerate(plan.cells, 1):
        assert f"[{number}/3] {cell.model.name} on toy 12/12 0:00:00" in shown
