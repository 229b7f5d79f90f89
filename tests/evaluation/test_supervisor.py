"""What the supervisor of ``--isolate`` sees of a child: how it ended, in which call, and what it said before."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from gath_bench.errors import UsageError
from gath_bench.evaluation.run import evaluate
from gath_bench.evaluation.supervisor import ChildState, _end, watch
from gath_bench.plugins import PluginSources, PluginWarning

#: A child without torch: it begins a call in a cell, and then does what follows.
SAY = """
import ctypes, json, os, signal, subprocess, sys, time
def say(**message): print(json.dumps(message), flush=True)
say(folder="run"); say(cell="000"); say(finished="000"); say(cell="001"); say(call="model a")
"""


@contextmanager
def child(program: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-S", "-c", SAY + program], stdout=subprocess.PIPE, start_new_session=True
    )
    try:
        yield process
    finally:
        _end(process)
        assert process.stdout is not None
        process.stdout.close()


def watched(program: str, limit: float | None = None) -> tuple[str, ChildState]:
    """How a child ended, and what it said."""
    state = ChildState()
    with child(program) as process:
        assert process.stdout is not None
        return watch(process, process.stdout, state, limit), state


@pytest.mark.parametrize(
    ("program", "how"),
    [
        ("os._exit(0)", "ended its process with exit code 0"),
        ("os._exit(3)", "ended its process with exit code 3"),
        ("ctypes.string_at(0)", "ended its process by SIGSEGV"),
        ("os.kill(os.getpid(), 9)", "ended its process by SIGKILL, which the system also sends when memory is full"),
        ("os.kill(os.getpid(), 40)", "ended its process by signal 40"),
        ("subprocess.Popen(['sleep', '60']); os._exit(0)", "ended its process with exit code 0"),
        ("os.write(1, b'\\xff{no json\\n[1]\\n{}\\n'); os._exit(0)", "ended its process with exit code 0"),
    ],
    ids=["exit-0", "exit-3", "segfault", "killed", "real-time-signal", "leaves-a-process", "garbage"],
)  # fmt: skip
def test_the_end_of_a_child_is_told_with_its_call(program: str, how: str) -> None:
    found, state = watched(program)
    assert found == how
    assert (state.folder, state.cell, state.component) == ("run", "001", "model a")
    assert state.finished == ["000"]
    assert state.answer is None


def test_a_call_that_takes_too_long_ends_the_child() -> None:
    begun = time.monotonic()
    found, state = watched("time.sleep(60)", limit=1.0)
    assert found == "did not return within 1 s, and its process was killed"
    assert state.component == "model a"
    assert time.monotonic() - begun < 30


def test_time_outside_of_calls_has_no_limit() -> None:
    found, state = watched("say(call=''); time.sleep(1.5); say(answer='outcome')", limit=1.0)
    assert found == ""
    assert state.answer == {"answer": "outcome"}


def test_a_warning_is_shown_once() -> None:
    lines = "say(warning=['PluginWarning', 'be careful', 'x.py', 3]);" * 2
    with pytest.warns(PluginWarning, match="be careful") as caught:
        watched(f"{lines} os._exit(0)")
    assert len(caught) == 1


def test_what_cannot_be_isolated_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="instance"):
        evaluate(models=[object()], isolate=True)  # type: ignore[list-item]
    with pytest.raises(UsageError, match="isolate"):
        evaluate(models=["toy-edit"], call_timeout=3, plugins=PluginSources((), None))
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UsageError, match="torchrun"):
        evaluate(models=["toy-edit"], isolate=True)
