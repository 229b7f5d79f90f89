"""Ratios: processor time of finished child processes counts, and commands are compared with an empty interpreter."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from gath_perf.ratios import CASES, measure_ratio, start_up

from gath_bench import UsageError

CONTEXT: Any = None  # these cases use no component


@pytest.mark.skipif(sys.platform == "win32", reason="has no processor time of children")
def test_the_time_of_child_processes_counts() -> None:
    work = [sys.executable, "-c", "sum(range(3_000_000))"]
    ratio = measure_ratio(lambda: subprocess.run(work, check=True), lambda: sum(range(1_000)), rounds=1)
    assert ratio.first > 0.01 > ratio.second


def test_help_is_called_beside_an_empty_interpreter() -> None:
    command, nothing = CASES["help"].pair(CONTEXT, 16)
    ratio = measure_ratio(command, nothing, rounds=1)
    assert ratio.first > ratio.second


def test_without_the_run_of_the_repository_report_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="checkout"):
        CASES["report"].pair(CONTEXT, 16)
    with pytest.raises(subprocess.CalledProcessError):
        start_up("no-such-command")(CONTEXT, 16)[0]()
