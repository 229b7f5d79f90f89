"""One self-contained HTML file from one run or several; it opens offline and asks for nothing."""

from gath_bench.report.html.page import write_html

__all__ = ["write_html"]
