"""The page of ``perf history --html``: one plot per machine, one line per benchmark and key."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from gath_perf.commands import perf as perf_group
from gath_perf.records import Reading, Record
from gath_perf.trend import render_trend, same_machine, series

from gath_bench.errors import UsageError

STORAGE = Path(__file__).resolve().parents[2] / "results" / "perf"


def record(name: str, day: int, milliseconds: float, *, cpu: str = "a", key: str = "worker@1") -> Record:
    reading = Reading(key, 8, None, np.full(10, milliseconds), {})
    machine = {"cpu": cpu, "threads": 1}
    return Record(Path(name), name, "abc", f"2026-01-{day:02d}T00:00:00+00:00", machine, {"worker": reading})


def lines(page: str) -> list[tuple[str, list[float]]]:
    """The title of each line's key and its values, of all plots."""
    found = []
    for data in re.findall(r"Plotly\.newPlot\(\s*\"[^\"]+\",\s*(\[.*?\]),\s*\{", page, re.DOTALL):
        found += [(line["text"][0].rpartition("<br>")[2], line["y"]) for line in json.loads(data)]
    return found


def test_each_machine_has_a_plot_and_each_key_a_line() -> None:
    records = [
        record("1", 1, 2.0),
        record("2", 2, 3.0),
        record("3", 3, 5.0, key="worker@2"),
        record("4", 4, 7.0, cpu="b"),
    ]
    assert [[one.name for one in group] for group in same_machine(records)] == [["1", "2", "3"], ["4"]]
    assert series(records) == [("worker", "worker@1"), ("worker", "worker@2")]
    page = render_trend(records)
    assert page.count("Plotly.newPlot(") >= 2
    measured = [(key, list(map(float, values))) for key, values in lines(page)]
    assert measured == [("worker@1", [2.0, 3.0]), ("worker@2", [5.0]), ("worker@1", [7.0])]


def test_the_page_loads_nothing() -> None:
    page = render_trend([record("1", 1, 2.0)])
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=", page)


def test_names_cannot_end_the_script() -> None:
    evil = replace(record("</script><script>alert(1)</script>", 1, 2.0), commit="</script>")
    assert "</script><script>alert(1)" not in render_trend([evil])


def test_the_command_writes_the_page(tmp_path: Path) -> None:
    words = ["history", "--storage", str(STORAGE), "--html", str(tmp_path / "history.html")]
    done = CliRunner().invoke(perf_group, words, catch_exceptions=False)
    assert (done.stdout, done.stderr) == ("", f"written: {words[-1]}\n")
    assert "Performance records" in (tmp_path / "history.html").read_text(encoding="utf-8")


def test_a_file_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    words = ["history", "--storage", str(STORAGE), "--html", str(tmp_path / "file" / "history.html")]
    with pytest.raises(UsageError, match=r"cannot be written: .*; pass another file with --html"):
        CliRunner().invoke(perf_group, words, catch_exceptions=False)
