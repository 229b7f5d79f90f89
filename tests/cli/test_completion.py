"""Shell completion, as docs/command-line.md installs it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "command-line.md"
PROGRAM = "from gath_bench.cli.main import main; main()"


def complete(**environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert not done.stderr, done.stderr
    return done.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_each_documented_shell(shell: str) -> None:
    assert f"_GATH_BENCH_COMPLETE={shell}_source gath-bench >" in PAGE.read_text(encoding="utf-8")
    if shell == "bash":
        return  # click asks bash for its version, which a test machine may not have
    assert f"_GATH_BENCH_COMPLETE={shell}_complete" in complete(_GATH_BENCH_COMPLETE=f"{shell}_source")


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("gath-bench anim", "animate"),
        ("gath-bench plugin n", "new"),
        ("gath-bench check --kind met", "metric"),
    ],
)
def test_commands_options_and_choices_are_completed(words: str, answer: str) -> None:
    said = complete(
        _GATH_BENCH_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD=str(len(words.split()) - 1)
    )
    assert said.split() == [f"plain,{answer}"]
