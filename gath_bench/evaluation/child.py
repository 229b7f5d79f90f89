"""The child process of ``evaluate(isolate=True)``: measures a request, and says which component it is calling.

Standard input brings the request as one line, and then nothing until the parent ends. Standard output is the channel
to the parent, one JSON object per line; what components print goes to standard error.
"""

from __future__ import annotations

import json
import os
import signal
import traceback
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock, Thread
from typing import Any

from gath_bench.component_calls import ComponentExit, observed_by
from gath_bench.engine.cell import StrictFailure
from gath_bench.errors import UsageError, describe_error
from gath_bench.evaluation.measurement import Request, measure
from gath_bench.plugins import PluginSources, PluginWarning

#: In place of a component: whatever is called in a cell.
ANY = "*"


def main(message: Mapping[str, Any]) -> None:
    """Measure the request of a message, and tell the parent how it ended.

    Args:
        message: ``request``, ``sources`` of plugins, ``threads`` of torch, and of earlier children ``ended`` (cell,
            or "" outside of cells -> component -> how it ended the child) and ``finished`` cells, and whether they
            ``restarted`` this run.
    """
    channel, alive = os.dup(1), os.dup(0)
    os.dup2(2, 1)
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    Thread(target=_end_with_parent, args=(alive,), daemon=True).start()

    import torch  # here, so that its import is in no component's time

    if message["threads"] is not None:
        torch.set_num_threads(message["threads"])
    parent = Parent(channel, message["ended"], frozenset(message["finished"]), message["restarted"])
    warnings.simplefilter("always", PluginWarning)
    warnings.showwarning = parent.warn  # type: ignore[assignment]
    sources = message["sources"]
    answer: dict[str, Any]
    try:
        request = Request.from_json(message["request"])
        with observed_by(parent):
            plugins = PluginSources(tuple(sources["modules"]), sources["entry_point_group"]).load()
            outcome = measure(request, plugins, supervisor=parent)
        answer = {
            "answer": "outcome",
            "path": str(outcome.path),
            "failed": outcome.failed,
            "timed_out": outcome.timed_out,
        }
    except UsageError as error:
        answer = {"answer": "usage", "text": str(error)}
    except StrictFailure as error:
        answer = {"answer": "strict", "text": str(error)}
    except Exception as error:
        text = describe_error(error)
        answer = {"answer": "error", "text": text, "traceback": traceback.format_exc()}
    parent.send(answer)


@dataclass
class Parent:
    """The parent process, as seen from the child: it watches calls and cells.

    Attributes:
        channel: a file descriptor.
        ended: cell, or "" outside of cells -> component -> how it ended an earlier child.
        finished: the cells that earlier children finished.
        restarted: whether an earlier child began this run.
        cell_id: the cell that is measured; empty outside of cells.
    """

    channel: int
    ended: Mapping[str, Mapping[str, str]]
    finished: frozenset[str]
    restarted: bool = False
    cell_id: str = ""
    _lock: Lock = field(default_factory=Lock)

    def send(self, message: Mapping[str, Any]) -> None:
        """Send a message. This process ends if there is no channel any more: nobody could end a call that hangs."""
        line = json.dumps(message).encode() + b"\n"
        with self._lock:
            try:
                while line:
                    line = line[os.write(self.channel, line) :]
            except OSError:
                os._exit(1)

    def begin(self, component: str) -> None:
        """A component is called.

        Raises:
            ComponentExit: it ended an earlier child in this cell.
        """
        known = self.ended.get(self.cell_id, {})
        reason = known.get(component) or known.get(ANY)
        if reason:
            raise ComponentExit(reason)
        self.send({"call": component})

    def end(self) -> None:
        """The call returned."""
        self.send({"call": ""})

    def opened(self, folder: Path) -> None:
        """The run can be resumed from now on."""
        self.send({"folder": str(folder)})

    @contextmanager
    def cell(self, cell_id: str) -> Iterator[None]:
        """The calls inside belong to a cell."""
        self.cell_id = cell_id
        self.send({"cell": cell_id})
        yield
        self.cell_id = ""
        self.send({"finished": cell_id})
        self.send({"cell": ""})

    def warn(
        self, text: Warning | str, category: type[Warning], file: str, line: int, *_: Any, **__: Any
    ) -> None:
        """Let the parent show a warning."""
        self.send({"warning": [category.__name__, str(text), str(file), line]})


def _end_with_parent(alive: int) -> None:
    """End this process and those that it started when the parent ends, which holds the other end of a pipe."""
    with suppress(OSError):
        while os.read(alive, 4096):
            pass
    if hasattr(os, "killpg"):
        os.killpg(0, signal.SIGKILL)
    os._exit(1)
