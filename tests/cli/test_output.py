"""Sentences on a terminal and in a file."""

from __future__ import annotations

import io
import sys

import pytest

from gath_bench.cli.output import echo

SENTENCE = "gath-bench: videos need PyAV: `pip install av` installs it, and then the command works."


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def printed(stream: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setattr(sys, "stderr", stream)
    echo(SENTENCE, err=True)
    return stream.getvalue()


def test_a_terminal_gets_lines_of_its_width_with_whole_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    text = printed(Terminal(), monkeypatch)
    assert max(map(len, text.splitlines())) <= 40
    assert "`pip install av`" in text
    assert " ".join(text.split()) == SENTENCE


def test_a_file_gets_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    assert printed(io.StringIO(), monkeypatch) == f"{SENTENCE}\n"
