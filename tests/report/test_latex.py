"""LaTeX itself takes the tables: nothing but booktabs, no error, and the text is on the page."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from report.worlds import write_run

from gath_bench.analysis import summarise
from gath_bench.report.table import tables
from gath_bench.report.text import latex
from gath_bench.results import load

pytestmark = pytest.mark.skipif(shutil.which("pdflatex") is None, reason="there is no pdflatex here")


def test_a_report_compiles_and_is_on_the_page(tmp_path: Path) -> None:
    run = load(write_run(tmp_path / "run", images=False))
    made = tables(run.manifest, summarise(run.manifest, run.observations))
    source = r"\documentclass{article}\usepackage{booktabs}\begin{document}" + latex(made) + r"\end{document}"
    (tmp_path / "page.tex").write_text(source, encoding="utf-8")
    said = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "page.tex"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert said.returncode == 0, said.stdout[-2000:]
    assert not re.search(r"Undefined|Missing character", said.stdout)
    if shutil.which("pdftotext"):
        page = subprocess.run(
            ["pdftotext", "-layout", "page.pdf", "-"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert all(cell.value in page for table in made for cell in table.cells)
