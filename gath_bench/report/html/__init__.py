"""One self-contained HTML file for one run or several; it opens offline and requests nothing."""

from gath_bench.report.html.page import render_page

__all__ = ["render_page"]
