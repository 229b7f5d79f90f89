"""``gath_bench.load_run`` and its like: the numbers of the tables, as pandas has them."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import torch
from toy.running import measure, toy_suite

import gath_bench
from gath_bench.analysis import summarise
from gath_bench.engine.manifest_builder import new_manifest
from gath_bench.evaluation.components import installed_plugins
from gath_bench.evaluation.verification import plan_again
from gath_bench.registry import Registry
from gath_bench.results import changed_files, load

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "docs" / "notebooks").glob("*.ipynb"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs under ``results/runs``, with absences, AUs, speed, and two keys of one metric."""
    before = torch.are_deterministic_algorithms_enabled()
    folder = tmp_path_factory.mktemp("api")
    metrics = ("toy-l1", "toy-l1[label=x]", "toy-au", "toy-system")
    measure(toy_suite(("toy-gaps", "toy-edit"), metrics), folder / "results" / "runs" / "a")
    measure(toy_suite(("toy-small",), metrics), folder / "results" / "runs" / "b")
    torch.use_deterministic_algorithms(before)
    return folder


def test_long_has_every_row_and_its_reason(folder: Path) -> None:
    path = folder / "results" / "runs" / "a"
    long = gath_bench.load_run(path).to_long()
    run = load(path)
    assert len(long) == run.observations.num_rows
    assert list(long.columns) == [
        "run",
        "dataset",
        "split",
        "protocol",
        "model",
        "model_key",
        "dataset_key",
        "sample_id",
        "subject",
        "metric",
        "key",
        "observation",
        "au",
        "value",
        "status",
        "reason",
    ]
    assert long["value"].isna().equals(long["status"] != "ok")
    assert set(long.loc[long["status"] != "ok", "reason"]) == {"no face found"}


def test_long_means_are_the_tables_values(folder: Path) -> None:
    path = folder / "results" / "runs" / "a"
    long = gath_bench.load_run(path).to_long()
    run = load(path)
    expected = {
        (row.model, row.key): row.value
        for row in summarise(run.manifest, run.observations)
        if row.metric == "toy-l1"
    }
    means = long[long["observation"] == "toy-l1"].groupby(["model", "key"], observed=True)["value"].mean()
    assert means.to_dict() == pytest.approx(expected)


def test_summary_has_the_fields_of_the_json(folder: Path) -> None:
    path = folder / "results" / "runs" / "a"
    summary = gath_bench.load_run(path).to_summary()
    run = load(path)
    rows = summarise(run.manifest, run.observations)
    assert summary["value"].tolist() == pytest.approx([row.value for row in rows], nan_ok=True)
    assert summary["model"].tolist() == [row.model for row in rows]
    assert set(summary["run"]) == {"a"}


def test_wide_has_a_column_a_key(folder: Path) -> None:
    runs = gath_bench.load_runs(str(folder / "results" / "runs" / "*"))
    assert (len(runs.runs), runs.notes) == (1, ())
    wide = runs.to_wide()
    assert wide.index.get_level_values("model").tolist() == [
        "toy-exact",
        "toy-copy",
        "toy-gaps",
        "toy-edit",
        "toy-small",
    ]
    l1 = [column for column in wide.columns if column.startswith("toy-l1")]
    assert len(l1) == 2
    assert {column.split(" ")[1].partition("]")[0] for column in l1} == {
        key.partition("]")[0] for key in runs.to_summary().query("metric == 'toy-l1'")["key"]
    }
    alone = load(folder / "results" / "runs" / "b")
    (value,) = {
        row.value
        for row in summarise(alone.manifest, alone.observations)
        if (row.model, row.metric) == ("toy-small", "toy-l1")
    }
    assert wide.loc[("toy", "test", "same-subject", "toy-small"), l1].tolist() == pytest.approx([value] * 2)


def test_runs_apart_are_told_apart(folder: Path, tmp_path: Path) -> None:
    before = torch.are_deterministic_algorithms_enabled()
    measure(toy_suite((), ("toy-l1",), limit=3), tmp_path / "a")
    measure(toy_suite((), ("toy-l1",), limit=5), tmp_path / "b")
    torch.use_deterministic_algorithms(before)
    runs = gath_bench.load_runs(str(tmp_path / "?"))
    assert "3 versus 5 samples" in runs.notes[0]
    assert runs.to_wide().index.get_level_values("run").tolist() == ["a", "a", "b", "b"]


def test_the_styled_table_marks_the_best(folder: Path) -> None:
    runs = gath_bench.load_runs(str(folder / "results" / "runs" / "*"))
    page = runs.styler().to_html()
    summary = runs.to_summary()
    overall = summary[summary["au"].isna()]
    bold = sum(
        part.count("#T_") for part in page.split("</style>")[0].split("}") if "font-weight: bold" in part
    )
    assert bold == overall["best"].sum() > 0
    assert "NA" in page or not pd.isna(runs.to_wide()).any(axis=None)


def test_a_missing_folder_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(gath_bench.UsageError, match="no folder matches"):
        gath_bench.load_runs(str(tmp_path / "*"))
    with pytest.raises(gath_bench.UsageError, match="is not a run folder"):
        gath_bench.load_run(tmp_path)
    with pytest.raises(AttributeError, match="load_walk"):
        _ = gath_bench.load_walk


def test_importing_the_package_imports_neither_pandas_nor_numpy() -> None:
    code = "import sys, gath_bench; print([n for n in ('numpy', 'pandas', 'pyarrow', 'torch') if n in sys.modules])"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


def test_there_is_a_notebook() -> None:
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_notebooks_run(path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every code cell in order, and the last expression of each, as a kernel would show it."""
    monkeypatch.chdir(folder)
    names: dict[str, object] = {}
    for number, cell in enumerate(json.loads(path.read_text(encoding="utf-8"))["cells"]):
        if cell["cell_type"] != "code":
            continue
        body = ast.parse("".join(cell["source"]), f"{path.name}[{number}]").body
        shown = body.pop() if isinstance(body[-1], ast.Expr) else None
        exec(compile(ast.Module(body, []), path.name, "exec"), names)
        if shown is None:
            continue
        value = eval(compile(ast.Expression(shown.value), path.name, "eval"), names)
        assert hasattr(value, "_repr_html_") or isinstance(value, pd.Series)
        assert str(value)


@pytest.fixture
def results(folder: Path) -> gath_bench.Results:
    return gath_bench.load_run(folder / "results" / "runs" / "a")


def test_printing_shows_the_tables(results: gath_bench.Results) -> None:
    assert "toy-edit" in repr(results)
    assert "toy-l1" in repr(results)
    assert "<table" in results._repr_html_()


@pytest.mark.parametrize("format", ["markdown", "latex", "csv", "json", "console", "html", "parquet"])
def test_reports_show_the_chosen_metrics(results: gath_bench.Results, tmp_path: Path, format: str) -> None:
    path = tmp_path / f"report.{format}"
    results.report(format, path, metrics=["toy-l1"])
    content = path.read_bytes()
    assert b"toy-l1" in content
    assert b"toy-au.mae" not in content


def test_a_report_without_intervals(results: gath_bench.Results, capsys: pytest.CaptureFixture[str]) -> None:
    results.report("json")
    with_intervals = json.loads(capsys.readouterr().out)["rows"]
    results.report("json", intervals=False)
    without = json.loads(capsys.readouterr().out)["rows"]
    assert any(row["low"] is not None for row in with_intervals)
    none = dict.fromkeys(("low", "high", "gain_low", "gain_high"))
    assert [row | none for row in with_intervals] == without


def test_a_report_that_cannot_be_written_is_one_sentence(results: gath_bench.Results) -> None:
    with pytest.raises(gath_bench.UsageError, match="did you mean markdown"):
        results.report("markdwon")
    with pytest.raises(gath_bench.UsageError, match="did you mean toy-l1"):
        results.report("markdown", metrics=["toy-l2"])


def test_comparing_a_run_with_itself_finds_no_difference(results: gath_bench.Results, folder: Path) -> None:
    found = results.compare(results, metrics=["toy-l1"])
    assert {(one.model_a, one.model_b, one.difference) for one in found} == {
        ("toy-gaps", "toy-gaps", 0.0),
        ("toy-edit", "toy-edit", 0.0),
    }
    both = gath_bench.load_runs(str(folder / "results" / "runs" / "*"))
    with pytest.raises(gath_bench.UsageError, match="single run"):
        both.verify()


def test_values_are_those_of_one_model(results: gath_bench.Results) -> None:
    with pytest.raises(gath_bench.UsageError, match="several values of toy-l1"):
        results.values()


REFERENCE = Path(__file__).resolve().parents[2] / "results" / "reference"


def test_a_run_that_was_committed_earlier_is_readable() -> None:
    """It was written by an earlier version: its manifest has no list of instances."""
    path = REFERENCE / "ablation"
    assert "instances" not in json.loads((path / "manifest.json").read_text())
    results = gath_bench.load_run(path)
    assert results.finished
    assert {"oracle", "copy-source"} <= set(results.to_wide().index.get_level_values("model"))
    assert changed_files(results.opened[0]) == []


def test_a_committed_run_is_planned_again_with_the_same_data() -> None:
    results = gath_bench.load_run(REFERENCE / "control")
    plan = plan_again(results.opened[0], Registry.of(installed_plugins()), 16)
    then = {(cell.cell_id, cell.dataset_key) for cell in results.manifests[0].cells}
    cells = new_manifest(plan, command=[], device="cpu", environment={}).cells
    assert {(cell.cell_id, cell.dataset_key) for cell in cells} == then
