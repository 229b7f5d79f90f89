"""One hand-made run and its page."""

from __future__ import annotations

from pathlib import Path

import pytest
from report.worlds import write_run

from gath_bench.report import write_report
from gath_bench.results import load


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("toys") / "run")


@pytest.fixture(scope="session")
def page(run_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The HTML report of the run."""
    path = tmp_path_factory.mktemp("page") / "report.html"
    write_report([load(run_folder)], "html", path)
    return path
