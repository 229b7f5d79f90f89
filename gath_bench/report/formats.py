"""Report formats by name, rendered to text or written to a file."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

from gath_bench.analysis import SummaryRow, join
from gath_bench.contracts.keys import ComponentName
from gath_bench.errors import UsageError, did_you_mean
from gath_bench.files import atomic_write
from gath_bench.report.console import print_tables
from gath_bench.report.json import as_json
from gath_bench.report.table import Table, summary_rows, tables
from gath_bench.report.text import latex, markdown
from gath_bench.results.manifest import CellRecord, MetricRecord
from gath_bench.results.reader import Run

if TYPE_CHECKING:
    import pyarrow as pa

FORMATS = ("console", "markdown", "latex", "html", "csv", "parquet", "json")
#: In place of metric names: every column.
ALL = "all"
#: Columns of a terminal that is a file.
_FILE_WIDTH = 160


def write_report(
    runs: Sequence[Run],
    form: str = "console",
    output: Path | None = None,
    *,
    metrics: Sequence[str] = (),
    intervals: bool = True,
) -> None:
    """Print the tables of runs, or write them to a file.

    Runs on the same samples are joined into the same tables.

    Args:
        runs: one run or several.
        form: one of ``FORMATS``.
        output: the file; None to print. HTML and Parquet need a file.
        metrics: value names (``au-error.mae``), metric names for all primary values of a metric, or ``all``; empty for
            all, of which ``console`` prints those that fit its width.
        intervals: whether to include the 95 % intervals.

    Raises:
        UsageError: an unknown format or metric, several runs that do not fit into one file, a format
            that needs a file, or a file that cannot be written.
    """
    if output is None and form in ("html", "parquet"):
        raise UsageError(f"a report in the format {form} needs a file: pass -o FILE.")
    if output is None and form == "console":
        from rich.console import Console

        for run in join(select(runs, metrics)).runs:
            print_tables(Console(), _tables(run, intervals), everything=bool(metrics))
        return
    content = _render(runs, form, metrics, intervals, _FILE_WIDTH, one_file=output is not None)
    if output is None:
        print(content.decode(), end="" if content.endswith(b"\n") else "\n")
        return
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(output) as file:
            file.write(content)
    except OSError as error:
        raise UsageError(
            f"{output} cannot be written: {error.strerror}; pass another file with -o."
        ) from error


def render_report(
    runs: Sequence[Run],
    form: str = "console",
    *,
    metrics: Sequence[str] = (),
    intervals: bool = True,
    width: int = _FILE_WIDTH,
) -> str:
    """The report of runs as text; any format but Parquet.

    Args:
        runs, form, metrics, intervals: as for ``write_report``.
        width: of the console format, in letters.

    Raises:
        UsageError: an unknown metric, or Parquet.
    """
    if form == "parquet":
        raise UsageError("Parquet is binary: write it to a file.")
    return _render(runs, form, metrics, intervals, width, one_file=False).decode()


def select(runs: Sequence[Run], metrics: Sequence[str]) -> list[Run]:
    """The runs with some of their summaries only; these become primary, so that tables show them.

    Args:
        runs: the runs.
        metrics: value names, or metric names for all primary values of a metric; empty or ``all`` for all values.

    Raises:
        UsageError: a name that none of the runs has.
    """
    if tuple(metrics) == (ALL,):
        return list(runs)
    records = [record for run in runs for record in run.manifest.metrics]
    known = {summary.name for record in records for summary in record.summaries}
    known |= {_bare(record) for record in records}
    for name in metrics:
        if name not in known:
            raise UsageError(
                f"there is no metric or value {name!r} in these runs; {did_you_mean(name, known)}"
            )
    return [_with_metrics(run, metrics) if metrics else run for run in runs]


def _with_metrics(run: Run, metrics: Sequence[str]) -> Run:
    kept = [chosen for record in run.manifest.metrics if (chosen := _selected(record, metrics)).summaries]
    names = {record.name for record in kept}

    def only(cell: CellRecord) -> CellRecord:
        return replace(cell, metrics=[name for name in cell.metrics if name in names])

    manifest = replace(run.manifest, metrics=kept, cells=[only(cell) for cell in run.manifest.cells])
    return replace(run, manifest=manifest)


def _bare(record: MetricRecord) -> str:
    """The metric's name without parameters."""
    return ComponentName.parse(record.name).name


def _selected(record: MetricRecord, metrics: Sequence[str]) -> MetricRecord:
    summaries = [
        replace(summary, primary=True)
        for summary in record.summaries
        if summary.name in metrics or (_bare(record) in metrics and summary.primary)
    ]
    return replace(record, summaries=summaries)


def _render(
    runs: Sequence[Run], form: str, metrics: Sequence[str], intervals: bool, width: int, *, one_file: bool
) -> bytes:
    if form not in FORMATS:
        raise UsageError(f"unknown report format {form!r}; {did_you_mean(form, FORMATS)}")
    selected = select(runs, metrics)
    if form == "html":
        from gath_bench.report.html.page import render_page

        return render_page(selected, intervals=intervals).encode()
    joined = join(selected)
    if one_file and len(joined.runs) > 1:
        raise UsageError(
            "-o takes runs that share their tables: write the others to separate files. "
            + " ".join(joined.notes)
        )
    made = []
    for run in joined.runs:
        if form in _BY_TABLES:
            made.append(_BY_TABLES[form](_tables(run, intervals), width, bool(metrics)).encode())
        else:
            made.append(_BY_ROWS[form](run, summary_rows(run, intervals)))
    return b"".join(made)


def _tables(run: Run, intervals: bool) -> list[Table]:
    """The tables for formats that show neither single AUs nor gains."""
    rows = summary_rows(run, intervals, headlines=True)
    return [table for table in tables(run.manifest, rows) if table.columns]


def _console(made: Sequence[Table], width: int, everything: bool) -> str:
    from rich.console import Console

    buffer = io.StringIO()
    print_tables(Console(file=buffer, width=width), made, everything=everything)
    return buffer.getvalue()


def _json(run: Run, rows: Sequence[SummaryRow]) -> bytes:
    return (json.dumps(as_json(run.path, rows), indent=2, allow_nan=False) + "\n").encode()


def _csv(run: Run, rows: Sequence[SummaryRow]) -> bytes:
    import csv

    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, [field.name for field in fields(SummaryRow)], lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _no_formula(value) for name, value in asdict(row).items()} for row in rows)
    return buffer.getvalue().encode()


def _no_formula(value: object) -> object:
    """A text that a spreadsheet would run as a formula gets an apostrophe in front, as spreadsheets do."""
    return (
        f"'{value}"
        if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r"))
        else value
    )


def _parquet(run: Run, rows: Sequence[SummaryRow]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    # By the fields' annotations, for a column without any value has no type of its own.
    schema = pa.schema([(field.name, _arrow_type(str(field.type))) for field in fields(SummaryRow)])
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([asdict(row) for row in rows], schema=schema), buffer)
    return buffer.getvalue()


def _arrow_type(annotation: str) -> pa.DataType:
    import pyarrow as pa

    types = {"float": pa.float64(), "int": pa.int64(), "bool": pa.bool_(), "str": pa.string()}
    return types[annotation.removesuffix(" | None")]


_BY_TABLES: dict[str, Callable[[Sequence[Table], int, bool], str]] = {
    "console": _console,
    "markdown": lambda made, *_: markdown(made),
    "latex": lambda made, *_: latex(made),
}
_BY_ROWS: dict[str, Callable[[Run, Sequence[SummaryRow]], bytes]] = {
    "csv": _csv,
    "parquet": _parquet,
    "json": _json,
}
