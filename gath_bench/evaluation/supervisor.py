"""``evaluate(isolate=True)``: runs components in a child process, and starts the next one where a component ends it.

The child runs the whole request and says which component it is calling (``gath_bench.evaluation.child``). If it dies,
or a call takes longer than the limit, the component of that call is to blame: the next child resumes the run without
calling it in that cell, so that its values are ``failed`` like those of a component that raised an exception.
"""

from __future__ import annotations

import builtins
import json
import os
import signal
import subprocess
import sys
import time
import warnings
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from typing import IO, Any

from gath_bench.engine import RunOptions
from gath_bench.engine.cell import StrictFailure
from gath_bench.engine.run import Outcome
from gath_bench.errors import UsageError
from gath_bench.evaluation.child import ANY
from gath_bench.evaluation.measurement import Request
from gath_bench.plugins import PluginSources, PluginWarning

#: How often the child is looked at when it says nothing, and how long its last messages may take, in seconds.
_POLL, _REST_SECONDS = 0.1, 1.0
#: Seconds that the child has for its end after the run, and the least time of a run or a call.
_END_SECONDS, _LEAST_SECONDS = 10.0, 1.0
_PROGRAM = (
    "import json, sys; message = json.loads(sys.stdin.buffer.readline()); sys.path[:] = message['path']; "
    "from gath_bench.evaluation.child import main; main(message)"
)


def measure_in_child(request: Request, sources: PluginSources, call_timeout: float | None = None) -> Outcome:
    """Measure a request in child processes.

    Args:
        request: what to measure. Calls that end a child do not count for the time limit of the run.
        sources: the plugins, which only the children load.
        call_timeout: the limit of one call, in seconds; by default that of the run.

    Raises:
        UsageError: from the child; or the child ends again and again without a component to blame.
        StrictFailure: a component failed under ``strict``.
        RuntimeError: any other exception of the child.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise UsageError("components of a run under torchrun cannot be isolated: leave out --isolate.")
    limit = request.options.timeout
    call_limit = limit if call_timeout is None else call_timeout
    ended: dict[str, dict[str, str]] = {}
    warned: set[tuple[str, str]] = set()
    finished: list[str] = []
    used = 0.0
    options = request.options
    while True:
        state = ChildState(warned=warned)
        how = _run(_message(request, options, sources, ended, finished), state, call_limit)
        if state.answer is not None:
            return _outcome(state.answer)
        finished += state.finished
        used += state.active()
        if state.folder:
            options = replace(options, output=None, resume=Path(state.folder))
        if limit is not None:
            # At least a moment, so that the next child records what this one was ended for.
            options = replace(options, timeout=max(limit - used, _LEAST_SECONDS))
        reason = f"{state.component or 'the process of the cell'} {how}"
        known = ended.setdefault(state.cell, {})
        if (state.component or ANY) in known or not (state.component or state.cell):
            resume = f"; continue with: gath-bench run --resume {options.resume}" if options.resume else ""
            raise UsageError(f"the process of the components {how}, in none of their calls{resume}.")
        known[state.component or ANY] = reason
        if state.cell:
            message = f"{reason}. In {state.cell} it is not called again; the run continues."
            warnings.warn(message, PluginWarning, stacklevel=3)


@dataclass
class ChildState:
    """What a child said of itself.

    Attributes:
        warned: the warnings that were shown, of all children.
        folder: the run folder, as soon as the run can be resumed.
        cell: the cell that is measured; empty outside of cells.
        component: the component that is being called.
        finished: the cells that it finished.
        answer: what it ended with.
    """

    warned: set[tuple[str, str]] = field(default_factory=set)
    folder: str = ""
    cell: str = ""
    component: str = ""
    finished: list[str] = field(default_factory=list)
    answer: dict[str, Any] | None = None
    _opened: float | None = None
    _since: float = 0.0

    def read(self, line: bytes) -> None:
        """Take in a message. Other lines are skipped: a component may have found the channel."""
        try:
            message = json.loads(line)
        except ValueError:
            return
        match message:
            case {"call": str(component)}:
                self.component, self._since = component, time.monotonic()
            case {"cell": str(cell)}:
                self.cell = cell
            case {"finished": str(cell)}:
                self.finished.append(cell)
            case {"folder": str(folder)}:
                self.folder, self._opened = folder, time.monotonic()
            case {"warning": [str(category), str(text), str(file), int(line_number)]}:
                if (category, text) not in self.warned:
                    self.warned.add((category, text))
                    warnings.warn_explicit(text, _category(category), file, line_number)
            case {"answer": str()}:
                self.answer = message

    def calling(self) -> float:
        """The seconds of the call that is running; 0 without one."""
        return time.monotonic() - self._since if self.component else 0.0

    def active(self) -> float:
        """The seconds since the run was opened, without the call that is running."""
        return 0.0 if self._opened is None else time.monotonic() - self._opened - self.calling()


def _run(message: dict[str, Any], state: ChildState, limit: float | None) -> str:
    """Run a child until it answers, dies or takes too long; returns how it ended if it did not answer."""
    process = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,  # a group of its own, and an interrupt reaches this process alone
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        with suppress(OSError):  # it died before it read
            process.stdin.write(json.dumps(message).encode() + b"\n")
            process.stdin.flush()
        how = watch(process, process.stdout, state, limit)
        if state.answer is not None:
            with suppress(subprocess.TimeoutExpired):
                process.wait(_END_SECONDS)
        return how
    finally:
        _end(process)
        with suppress(OSError):
            process.stdin.close()


def watch(
    process: subprocess.Popen[bytes], channel: IO[bytes], state: ChildState, limit: float | None
) -> str:
    """Read what a child says until it answers, dies or a call takes longer than ``limit`` seconds.

    Returns:
        How it ended, as the end of a sentence; empty if it answered.
    """
    lines: Queue[bytes] = Queue()

    def read() -> None:
        with suppress(ValueError, OSError):  # closed
            for line in channel:
                lines.put(line)
        lines.put(b"")

    Thread(target=read, daemon=True).start()
    dead = False
    while state.answer is None:
        try:
            line = lines.get(timeout=_REST_SECONDS if dead else _POLL)
        except Empty:
            if dead:  # a process that the child started holds the channel open
                return _end_of(process.wait())
            dead = process.poll() is not None
        else:
            if not line:
                return _end_of(process.wait())
            state.read(line)
        if limit is not None and state.calling() > max(limit, _LEAST_SECONDS):
            return f"did not return within {limit:g} s, and its process was killed"
    return ""


def _end_of(code: int) -> str:
    if code >= 0:
        return f"ended its process with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    memory = ", which the system also sends when memory is full" if name == "SIGKILL" else ""
    return f"ended its process by {name}{memory}"


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a child and the processes that it started."""
    with suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()


def _message(
    request: Request,
    options: RunOptions,
    sources: PluginSources,
    ended: dict[str, dict[str, str]],
    finished: list[str],
) -> dict[str, Any]:
    """What a child gets, as JSON."""
    torch: Any = sys.modules.get("torch")
    return {
        "path": sys.path,
        "request": replace(request, options=options).to_json(),
        "sources": asdict(sources),
        "threads": torch.get_num_threads() if torch is not None else None,
        "ended": ended,
        "finished": finished,
        "restarted": request.options.resume is None and options.resume is not None,
    }


def _outcome(answer: dict[str, Any]) -> Outcome:
    """What a child answered, as ``measure`` returns or raises it."""
    text = str(answer.get("text"))
    match answer["answer"]:
        case "outcome":
            return Outcome(Path(answer["path"]), answer["failed"], answer["timed_out"], True)
        case "usage":
            raise UsageError(text)
        case "strict":
            raise StrictFailure(text)
    error = RuntimeError(text)
    error.add_note(str(answer.get("traceback")))
    raise error


def _category(name: str) -> type[Warning]:
    """The class of a warning; ``UserWarning`` for one that this process does not know."""
    found = PluginWarning if name == "PluginWarning" else getattr(builtins, name, None)
    return found if isinstance(found, type) and issubclass(found, Warning) else UserWarning
