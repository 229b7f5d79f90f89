"""Reports of runs: console, Markdown, LaTeX, HTML, CSV, Parquet and JSON, from the results alone."""

from gath_bench.report.formats import FORMATS, render_report, write_report
from gath_bench.report.json import as_json, json_schema
from gath_bench.report.table import Table, tables

__all__ = [
    "FORMATS",
    "Table",
    "as_json",
    "json_schema",
    "render_report",
    "tables",
    "write_report",
]
