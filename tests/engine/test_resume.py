"""A run that was killed at any moment and resumed equals an uninterrupted run, bit by bit."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
from toy.running import (
    FLUSH_ALWAYS,
    command,
    environment,
    long_rows,
    measure,
    table,
    toy_suite,
    toys,
    values,
    write_suite,
)
from toy.toy_plugin import CALLS

from gath_bench.analysis import summarise
from gath_bench.contracts.keys import file_hash
from gath_bench.engine import RunOptions, execute
from gath_bench.errors import UsageError
from gath_bench.registry import Registry
from gath_bench.results import MANIFEST, Manifest, Run, load
from gath_bench.suite import make_plan, suite_of_run

MODELS = ("toy-noise[delay=0.1]", "toy-edit")
METRICS = ("toy-l1", "toy-au", "toy-system")
DATASET = "toy[n=24,delay=0.05]"


def shards(folder: Path, cell: str = "") -> list[Path]:
    return sorted((folder / "samples").glob(f"{cell}*[0-9].parquet"))


def kill_when(folder: Path, suite: Path, moment: Callable[[Path], bool]) -> None:
    """Run a suite in another process, and kill it with SIGKILL at a moment."""
    words = command("run", suite, "--device", "cpu", "--output", folder, flush_always=True)
    process = subprocess.Popen(words, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while not moment(folder):
        assert process.poll() is None, process.stderr.read().decode() if process.stderr else ""
        assert time.monotonic() < deadline
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    if process.stderr:
        process.stderr.close()


def resume(folder: Path) -> None:
    """What ``gath-bench run --resume`` does."""
    plugins = toys()
    plan = make_plan(suite_of_run(folder), Registry.of(plugins))
    outcome = execute(plan, plugins, RunOptions(resume=folder))
    assert not outcome.failed


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The run that nobody killed."""
    return measure(toy_suite(MODELS, METRICS, DATASET), tmp_path_factory.mktemp("whole"))[1]


@pytest.mark.parametrize(
    "moment",
    [
        lambda folder: (folder / MANIFEST).exists(),
        lambda folder: len(shards(folder)) >= 1,
        lambda folder: len(shards(folder)) >= 5,
        lambda folder: len(shards(folder, "003")) >= 1,
        lambda folder: len(shards(folder, "002")) >= 3,
        lambda folder: len(shards(folder, "001")) == 6,
    ],
    ids=[
        "at the manifest",
        "after shard 1",
        "after shard 5",
        "in the last cell",
        "mid cell",
        "between cells",
    ],
)
def test_a_killed_and_resumed_run_equals_an_uninterrupted_one(
    tmp_path: Path, uninterrupted: Run, moment: Callable[[Path], bool]
) -> None:
    folder = tmp_path / "run"
    suite = write_suite(
        tmp_path / "suite.toml",
        models=MODELS,
        metrics=METRICS,
        datasets=f'[[datasets]]\nname = "{DATASET}"\n',
    )
    kill_when(folder, suite, moment)
    before = {path: (path.stat().st_mtime_ns, file_hash(path)) for path in shards(folder)}
    assert Manifest.read(folder).status == "running"
    assert values(load(folder)).items() <= values(uninterrupted).items()

    CALLS.clear()
    resume(folder)
    run = load(folder)
    assert values(run) == values(uninterrupted)
    assert summarise(run.manifest, run.observations) == summarise(
        uninterrupted.manifest, uninterrupted.observations
    )
    assert run.manifest.status == "finished"
    assert {path: (path.stat().st_mtime_ns, file_hash(path)) for path in before} == before, (
        "shards are immutable"
    )
    lost = 4 * 6 - len(before)
    assert CALLS["toy-l1"] == lost, "what was measured is not measured again"
    assert not list(folder.rglob("*.part"))
    assert run.manifest.files == {path.name: file_hash(path) for path in (folder / "samples").iterdir()}


def test_a_finished_run_resumed_measures_nothing(tmp_path: Path) -> None:
    _, first = measure(toy_suite(metrics=METRICS), tmp_path)
    CALLS.clear()
    resume(tmp_path)
    assert not CALLS
    assert load(tmp_path).observations.equals(first.observations)


def test_partial_files_of_a_killed_process_are_removed(tmp_path: Path) -> None:
    measure(toy_suite(), tmp_path)
    leftovers = [tmp_path / "samples" / "000-toy.000000-0.17.part", tmp_path / f"{MANIFEST}.17.part"]
    for leftover in leftovers:
        leftover.write_bytes(b"half of some")
    resume(tmp_path)
    assert not any(leftover.exists() for leftover in leftovers)


def test_what_failed_is_measured_again(tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    suite = toy_suite((f"toy-failing[unless={flag}]",))
    outcome, run = measure(suite, tmp_path / "run")
    assert outcome.failed
    again, run = measure(suite, tmp_path / "run", resume=True)
    assert again.failed
    flag.touch()
    mended, run = measure(suite, tmp_path / "run", resume=True)
    assert not mended.failed
    assert {cell.status for cell in run.manifest.cells} == {"ok"}
    row = table(run, suite.models[0], "toy-l1")
    assert (row.status, row.coverage) == ("ok", 1.0)
    assert len(long_rows(run)) == 3 * 12


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 1},
        {"batch_size": 3},
        {"split": "val"},
        {"protocols": ("sweep",)},
        {"models": ("toy-edit",)},
        {"models": ()},
        {"models": ("toy-noise", "toy-edit")},
        {"metrics": ("toy-l1", "toy-source-l1")},
        {"metrics": ("toy-l1[label=other]",)},
        {"dataset": "toy[n=13]"},
        {"dataset": "toy[delay=0.01]"},
        {"limit": 5},
    ],
    ids=str,
)
def test_a_run_is_not_resumed_with_other_settings(tmp_path: Path, change: dict[str, object]) -> None:
    same = {"models": ("toy-noise",), "metrics": ("toy-l1",)}
    _, run = measure(toy_suite(**same), tmp_path)  # type: ignore[arg-type]
    before = (tmp_path / MANIFEST).read_text()
    with pytest.raises(UsageError, match="start a new run"):
        measure(toy_suite(**{**same, **change}), tmp_path, resume=True)  # type: ignore[arg-type]
    assert (tmp_path / MANIFEST).read_text() == before
    assert load(tmp_path).observations.equals(run.observations)


def test_an_output_folder_with_a_run_is_refused(tmp_path: Path) -> None:
    measure(toy_suite(), tmp_path)
    with pytest.raises(UsageError, match="already holds a run"):
        measure(toy_suite(), tmp_path)
    (tmp_path / MANIFEST).unlink()
    with pytest.raises(UsageError, match="without its manifest"):
        measure(toy_suite(), tmp_path)


def test_a_timeout_stops_between_cells_and_the_run_can_be_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Clock:
        """A second passes every time somebody looks."""

        monotonic = count().__next__

    suite = toy_suite(("toy-edit",), METRICS)
    with monkeypatch.context() as patch:
        patch.setattr("gath_bench.engine.run.time", Clock)
        outcome, run = measure(suite, tmp_path, timeout=3)
    assert outcome.timed_out
    assert run.manifest.status == "running"
    assert [cell.status for cell in run.manifest.cells] == ["ok", "planned", "planned"]
    for metric in ("toy-l1", "toy-system"):
        assert table(run, "toy-edit", metric).reason == "not measured yet"
    outcome, resumed = measure(suite, tmp_path, resume=True)
    assert not outcome.timed_out
    _, whole = measure(suite, tmp_path / "whole")
    assert values(resumed) == values(whole)


def test_a_damaged_shard_is_one_sentence(tmp_path: Path) -> None:
    _, run = measure(toy_suite(), tmp_path)
    first = values(run)
    shards(tmp_path)[0].write_bytes(b"PAR1 and then nothing")
    with pytest.raises(UsageError, match="damaged: delete it"):
        _ = load(tmp_path).observations
    shards(tmp_path)[0].unlink()
    resume(tmp_path)
    assert values(load(tmp_path)) == first


def test_the_manifest_is_strict_json_without_code(tmp_path: Path) -> None:
    measure(toy_suite(), tmp_path)

    def refuse(word: str) -> None:
        raise AssertionError(word)

    content = json.loads((tmp_path / MANIFEST).read_text(), parse_constant=refuse)
    assert content["schema"] == 1
    assert content["seed"] == 0
    assert content["device"] == "cpu"
    assert {"toy-l1"} == {metric["name"] for metric in content["metrics"]}
    assert FLUSH_ALWAYS not in json.dumps(content)
