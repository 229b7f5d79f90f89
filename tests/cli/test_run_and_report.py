"""Command output: the same numbers in every format, and escaping of text from outside."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from toy.running import write_suite

from gath_bench.analysis import summarise
from gath_bench.report.text import latex, markdown
from gath_bench.results import load

SCRIPT = "<script>"


def cells_of(line: str) -> list[str]:
    """A line of a Markdown table cut as GitHub cuts it: a pipe after an odd number of backslashes is text."""
    return re.findall(r"(?:\\.|[^|\\])+", line.strip().strip("|"))


def test_json_matches_the_run(gath_bench: Any, tmp_path: Path) -> None:
    suite = write_suite(
        tmp_path / "suite.toml", models=("toy-failing",), metrics=("toy-l1", "toy-au", "toy-no-weights")
    )
    said = gath_bench("run", suite, "--device", "cpu", "--json", "--limit", 9, "--seed", 4)
    assert said.code == 1
    assert "Traceback" not in said.err
    assert "warning: --limit 9: " in said.err

    def refuse(word: str) -> None:
        raise AssertionError(word)

    content = json.loads(said.out, parse_constant=refuse)
    folder = Path(content["run"])
    assert folder.parent == Path("results/runs")
    assert Path(content["manifest"]) == folder / "manifest.json"
    run = load(folder)
    expected = summarise(run.manifest, run.observations)
    assert [row["value"] for row in content["rows"]] == [row.value for row in expected]
    assert {row["seed"] for row in content["rows"]} == {4}
    assert {row["status"] for row in content["rows"]} == {"ok", "na", "failed"}
    assert max(row["n"] for row in content["rows"]) == 9

    again = gath_bench("report", folder, "--format", "json")
    assert (again.code, json.loads(again.out)) == (0, content)


def test_two_runs_of_the_same_second_get_separate_folders(gath_bench: Any, tmp_path: Path) -> None:
    suite = write_suite(tmp_path / "suite.toml", name="../my Suite")
    folders = {json.loads(gath_bench("run", suite, "--device", "cpu", "--json").out)["run"] for _ in range(3)}
    assert len(folders) == 3
    assert all(Path(folder).parent == Path("results/runs") and "-my-suite" in folder for folder in folders)


def test_the_folder_is_named_and_resuming_it_prints_the_same(gath_bench: Any, tmp_path: Path) -> None:
    suite = write_suite(tmp_path / "suite.toml")
    first = gath_bench("run", suite, "--device", "cpu", "--output", tmp_path / "run")
    again = gath_bench("run", "--resume", tmp_path / "run")
    assert first.code == again.code == 0
    assert str(tmp_path / "run") in first.out.replace("\n", "")
    assert again.out == first.out
    assert "--limit" not in first.err


def test_strict_prints_what_failed(gath_bench: Any, tmp_path: Path) -> None:
    suite = write_suite(tmp_path / "suite.toml", models=("toy-failing",))
    said = gath_bench("run", suite, "--device", "cpu", "--strict")
    assert (said.code, said.out) == (1, "")
    assert "stopped by --strict" in said.err
    assert "out of luck" in said.err
    assert "Traceback" not in said.err


def test_a_timeout_prints_how_to_resume(gath_bench: Any, tmp_path: Path) -> None:
    suite = write_suite(tmp_path / "suite.toml")
    said = gath_bench("run", suite, "--device", "cpu", "--timeout", 0, "--output", tmp_path / "run")
    assert said.code == 0
    assert f"--resume {tmp_path / 'run'}" in said.err
    assert "not measured yet" in said.out
    assert gath_bench("run", "--resume", tmp_path / "run").code == 0


def test_csv_and_parquet_hold_the_rows(gath_bench: Any, tmp_path: Path, toy_run: Path) -> None:
    run = load(toy_run)
    expected = summarise(run.manifest, run.observations)
    said = gath_bench("report", toy_run, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(said.out)))
    assert [row["value"] for row in rows] == [
        "" if row.value is None else repr(row.value) for row in expected
    ]
    assert [row["model"] for row in rows] == [row.model for row in expected]
    assert (
        gath_bench("report", toy_run, "--format", "parquet", "-o", tmp_path / "deep" / "t.parquet").code == 0
    )
    table = pq.ParquetFile(tmp_path / "deep" / "t.parquet").read().to_pylist()
    assert [(row["model"], row["metric"], row["au"], row["value"], row["n"]) for row in table] == [
        (row.model, row.metric, row.au, row.value, row.n) for row in expected
    ]


@pytest.mark.parametrize("form", ["console", "markdown", "latex", "csv", "json"])
def test_a_file_holds_what_is_printed(gath_bench: Any, tmp_path: Path, toy_run: Path, form: str) -> None:
    printed = gath_bench("report", toy_run, "--format", form)
    assert printed.code == 0
    written = gath_bench("report", toy_run, "--format", form, "-o", tmp_path / "table")
    assert (written.code, written.out) == (0, "")
    assert f"written: {tmp_path / 'table'}" in written.err
    text = (tmp_path / "table").read_text(encoding="utf-8")
    assert text.strip()
    if form != "console":
        assert text.rstrip("\n") == printed.out.rstrip("\n")


def test_markdown_is_escaped(gath_bench: Any, toy_run: Path) -> None:
    text = gath_bench("report", toy_run, "--format", "markdown").out
    spans = re.compile(r"(?<!\\)(`+)(?!`).+?(?<!`)\1(?!`)")
    keys = next(line for line in text.splitlines() if line.startswith("Keys: "))
    assert "<b>" not in spans.sub("", keys)
    outside = text.replace(keys, "")
    assert SCRIPT not in outside
    assert "&lt;script&gt;" in outside
    assert not re.search(r"(?<!\\)\]\(", outside)
    assert not re.search(r"(?<!\\)(?:\\\\)*`", outside)
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert len({len(cells_of(line)) for line in table}) == 1
    assert len(table) == 2 + 5


@pytest.mark.parametrize(
    "text", ["a\\|b", "a|b", "a\\\\|b", "a\r\nb", "a\rb", "a\u2028b", "`", "a ~~b~~ __c__"]
)
def test_a_cell_of_markdown_is_one_cell(toy_run: Path, text: str) -> None:
    from gath_bench.report.table import Line, Table

    page = markdown([Table("t", (), (Line(text, False, ()),), (text,))])
    (line,) = [line for line in page.splitlines() if line.startswith("| ") and not line.startswith("| model")]
    assert len(cells_of(line)) == 1
    assert not re.search(r"(?<!\\)(?:\\\\)*[`~_*]", line)


def test_latex_is_escaped(gath_bench: Any, toy_run: Path) -> None:
    text = gath_bench("report", toy_run, "--format", "latex").out
    assert r"\textless{}script\textgreater{}" in text
    assert not re.search(r"(?<!\\)[#$%](?!\\(up|down)arrow|\\cdot|\$|\s)", re.sub(r"\$\\\w+\$", "", text))
    assert text.count(r"\begin{table}") == text.count(r"\end{table}") == 1
    assert text.count(r"\begin{tabular}") == text.count(r"\end{tabular}")
    assert latex([]) == ""


def test_the_console_shows_brackets_as_they_are(gath_bench: Any, tmp_path: Path) -> None:
    suite = write_suite(
        tmp_path / "suite.toml",
        models=("toy-labelled[label=red]",),
        datasets="[[datasets]]\nname = 'toy[n=5]'\n",
    )
    said = gath_bench("run", suite, "--device", "cpu", "--output", tmp_path / "run")
    assert said.code == 1
    assert "toy[n=5] · test · same-subject · 5 samples · cpu · seed 0" in " ".join(said.out.split())
    assert "toy-labelled[label=red]" in said.out
    assert "RuntimeError: red" in said.out
