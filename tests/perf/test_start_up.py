"""How long a command that measures nothing takes, beside an empty Python."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "words",
    [("-c", "pass"), ("-m", "gath_bench", "--help"), ("-m", "gath_bench", "list")],
    ids=["python", "help", "list"],
)
@pytest.mark.benchmark(group="start-up")
def test_start_up(benchmark, words):
    done = benchmark(subprocess.run, [sys.executable, *words], capture_output=True, text=True, check=True)
    assert ("gath-bench" in done.stdout or "ssim" in done.stdout) == ("-m" in words)
