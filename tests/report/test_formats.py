"""Every format shows the selected values, and intervals only on request."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from report.chromium import Elements
from report.worlds import write_run

from gath_bench.analysis import summarise
from gath_bench.errors import UsageError
from gath_bench.report import FORMATS, render_report, write_report
from gath_bench.results import Run, load

TEXT_FORMATS = [form for form in FORMATS if form != "parquet"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return load(write_run(tmp_path_factory.mktemp("formats") / "run", images=False))


def content(run: Run, form: str, **options: Any) -> str:
    """A report as a reader sees it: of a page the text without scripts."""
    text = render_report([run], form, **options)
    return Elements(text).text if form == "html" else text


@pytest.mark.parametrize("form", TEXT_FORMATS)
def test_selected_metrics_are_shown_and_no_others(run: Run, form: str) -> None:
    whole, part = content(run, form), content(run, form, metrics=["psnr"])
    assert "psnr" in part
    # The manifest of a page has the keys of the shown metrics.
    for name in ("lpips", "leakage"):
        assert name in whole
        assert name not in part.replace("my suite.toml", "")


@pytest.mark.parametrize("form", ["console", "markdown", "latex", "html"])
def test_without_intervals_only_the_intervals_are_missing(run: Run, form: str) -> None:
    rows = [
        row
        for row in summarise(run.manifest, run.observations)
        if row.metric == "psnr" and row.low is not None
    ]
    assert rows
    whole, bare = content(run, form), content(run, form, intervals=False)
    for row in rows:
        interval = f"[{row.low:.3f}, {row.high:.3f}]"
        if form == "console":
            interval = f"±{(row.high - row.low) / 2:.3f}"
        assert interval in whole
        assert interval not in bare
        assert f"{row.value:.3f}" in bare


def test_rows_keep_their_fields_and_lose_their_intervals(run: Run, tmp_path: Path) -> None:
    write_report([run], "parquet", tmp_path / "rows.parquet", metrics=["psnr"], intervals=False)
    as_parquet = pq.ParquetFile(tmp_path / "rows.parquet").read().to_pylist()
    as_json = json.loads(render_report([run], "json", metrics=["psnr"], intervals=False))["rows"]
    as_csv = list(csv.DictReader(io.StringIO(render_report([run], "csv", metrics=["psnr"], intervals=False))))
    whole = json.loads(render_report([run], "json"))["rows"]
    assert as_parquet == as_json
    assert [row["value"] for row in as_csv] == [str(row["value"]) for row in as_json]
    assert [row["value"] for row in as_json] == [row["value"] for row in whole if row["metric"] == "psnr"]
    assert any(row["gain_low"] is not None for row in whole)
    for row in as_json:
        assert {row[name] for name in ("low", "high", "gain_low", "gain_high")} == {None}
        assert set(row) == set(whole[0])


def test_a_metric_stands_for_its_primary_values_and_a_named_value_is_shown(run: Run) -> None:
    (record,) = [one for one in run.manifest.metrics if one.name == "au-error"]
    record.summaries[1] = record.summaries[1].__class__(**{**vars(record.summaries[1]), "primary": False})
    metric, value = (content(run, "markdown", metrics=[name]) for name in ("au-error", "au-error.pcc"))
    assert "au-error.mae" in metric
    assert "au-error.pcc" not in metric
    assert "au-error.pcc" in value
    assert "au-error.mae" not in value


def test_a_metric_of_one_of_several_runs_may_be_selected(run: Run, tmp_path: Path) -> None:
    other = load(write_run(tmp_path / "other", images=False))
    without = [record for record in other.manifest.metrics if record.name != "psnr"]
    cells = [cell for cell in other.manifest.cells if cell.protocol == "sweep"]
    other.manifest.metrics[:], other.manifest.cells[:] = without, cells
    assert "psnr" in render_report([run, other], "markdown", metrics=["psnr"])


@pytest.mark.parametrize("form", FORMATS)
def test_unknown_metrics_are_refused(run: Run, form: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no metric or value 'psrn' in these runs; did you mean psnr"):
        write_report([run], form, tmp_path / "file", metrics=["psrn"])
    assert not (tmp_path / "file").exists()


def test_unknown_and_binary_formats_are_refused(run: Run) -> None:
    with pytest.raises(UsageError, match="unknown report format 'htm'; did you mean html"):
        render_report([run], "htm")
    with pytest.raises(UsageError, match="pass -o FILE"):
        write_report([run], "parquet")
    with pytest.raises(UsageError, match="binary"):
        render_report([run], "parquet")
