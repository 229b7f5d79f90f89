"""Report formats by name, each to a file or to standard output."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path

from gath_bench.analysis.summarise import Row, summarise
from gath_bench.errors import UsageError
from gath_bench.report.console import print_grids
from gath_bench.report.grid import grids
from gath_bench.report.json import as_json
from gath_bench.report.text import latex, markdown
from gath_bench.results.reader import Run

FORMATS = ("console", "markdown", "latex", "csv", "parquet", "json")


def write_report(
    run: Run, form: str = "console", output: Path | None = None, *, intervals: bool = True
) -> None:
    """Print a run's tables, or write them to a file; ``intervals=False`` leaves confidence intervals out.

    Raises:
        UsageError: Parquet to a terminal, or a file that cannot be written.
    """
    rows = summarise(run.manifest, run.rows)
    if not intervals:
        rows = [replace(row, low=None, high=None) for row in rows]
    if form == "parquet":
        _parquet(rows, output)
        return
    text = _text(run, rows, form, width=None if output is None else 160)
    if text is None:
        return
    if output is None:
        print(text, end="" if text.endswith("\n") else "\n")
        return
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"{output} cannot be written: {error.strerror}; give another file with -o."
        ) from error


def _text(run: Run, rows: Sequence[Row], form: str, width: int | None) -> str | None:
    """The report as text; None where it was printed in colour already."""
    if form == "console":
        from rich.console import Console

        if width is None:
            print_grids(Console(), grids(run.manifest, rows))
            return None
        buffer = io.StringIO()
        print_grids(Console(file=buffer, width=width), grids(run.manifest, rows))
        return buffer.getvalue()
    if form == "markdown":
        return markdown(grids(run.manifest, rows))
    if form == "latex":
        return latex(grids(run.manifest, rows))
    if form == "json":
        return json.dumps(as_json(run.path, rows), indent=2, allow_nan=False) + "\n"
    return _csv(rows)


def _csv(rows: Sequence[Row]) -> str:
    import csv

    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, [field.name for field in fields(Row)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(row) for row in rows)
    return buffer.getvalue()


def _parquet(rows: Sequence[Row], output: Path | None) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if output is None:
        raise UsageError("a Parquet report is no text: name a file with -o FILE.")
    types = {"value": pa.float64(), "low": pa.float64(), "high": pa.float64(), "coverage": pa.float64(),
             "n": pa.int64(), "seed": pa.int64(), "few_subjects": pa.bool_(),
             "contaminated": pa.bool_(), "best": pa.bool_(), "tied": pa.bool_(), "p_value": pa.float64(),
             "rank": pa.float64(), "gain": pa.float64(), "gain_low": pa.float64(),
             "gain_high": pa.float64()}  # fmt: skip
    schema = pa.schema([(field.name, types.get(field.name, pa.string())) for field in fields(Row)])
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pylist([asdict(row) for row in rows], schema=schema), output)
    except OSError as error:
        raise UsageError(f"{output} cannot be written: {error}; give another file with -o.") from error
