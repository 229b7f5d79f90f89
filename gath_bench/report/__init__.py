"""Console, Markdown, LaTeX, HTML, CSV, Parquet and JSON from the analysed frame."""

from gath_bench.report.formats import FORMATS, write_report
from gath_bench.report.grid import Grid, grids
from gath_bench.report.html import write_html
from gath_bench.report.json import as_json, json_schema

__all__ = ["FORMATS", "Grid", "as_json", "grids", "json_schema", "write_html", "write_report"]
