"""The program in a process of its own, and distributions that exist only in a test's folder."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from core.helpers import Installer, Program


@pytest.fixture(scope="session")
def program() -> Program:
    """Runs ``python -m gath_bench ARGUMENTS`` with folders put on the import path."""

    inherited = [folder for folder in [os.environ.get("PYTHONPATH")] if folder]

    def run(
        *arguments: str | Path, cwd: Path, path: tuple[Path, ...] = (), code: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        start = ["-m", "gath_bench"] if code is None else ["-c", code]
        return subprocess.run(
            [sys.executable, *start, *map(str, arguments)],
            cwd=cwd,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join([*map(str, path), *inherited]),
                "COLUMNS": "200",
            },
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


@pytest.fixture
def install(tmp_path: Path) -> Installer:
    """Writes a module and the metadata of a distribution that names it as a plugin; gives the folder of both."""
    site = tmp_path / "site"
    site.mkdir()

    def write(distribution: str, source: str, *, version: str = "1.2", target: str | None = None) -> Path:
        module = distribution.replace("-", "_")
        (site / f"{module}.py").write_text(textwrap.dedent(source), encoding="utf-8")
        metadata = site / f"{module}-{version}.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n"
        )
        (metadata / "entry_points.txt").write_text(f"[gath_bench]\n{module} = {target or module}\n")
        return site

    return write
