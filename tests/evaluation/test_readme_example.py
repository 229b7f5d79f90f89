"""The Python example of the README runs as it stands, and docs/python.md shows the same one."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def example() -> str:
    """The block of the README that is marked as a test."""
    (block,) = re.findall(
        r"<!-- test: python -->\n```python\n(.*?)^```", (ROOT / "README.md").read_text("utf-8"), re.M | re.S
    )
    return str(block)


def test_the_example_is_short_and_shown_twice() -> None:
    assert len([line for line in example().splitlines() if line.strip()]) <= 10
    assert example() in (ROOT / "docs" / "python.md").read_text("utf-8")


def test_the_example_prints_the_table_and_writes_the_report(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", example()], capture_output=True, text=True, cwd=tmp_path, timeout=300
    )
    assert done.returncode == 0, done.stderr
    for model in ("oracle", "copy-source", "gath-warp", "brighten"):
        assert model in done.stdout
    assert "au-error" in done.stdout
    assert b"brighten" in (tmp_path / "report.html").read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
