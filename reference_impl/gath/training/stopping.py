"""Requests to stop a training: signals and the time limit."""

from __future__ import annotations

import signal
import time
from types import FrameType, TracebackType
from typing import Any


class Interrupted(Exception):
    """The training was asked to stop while a pool was being filled."""


class StopRequest:
    """Whether a training should stop after the current step.

    As a context manager it handles SIGTERM and SIGINT: the first sets `requested`, a second one raises
    ``KeyboardInterrupt``.

    Args:
        max_minutes: the time limit, counted from now; None for none.
    """

    def __init__(self, max_minutes: float | None = None) -> None:
        self._deadline = None if max_minutes is None else time.monotonic() + 60 * max_minutes
        self._signals = 0
        self._handlers: dict[signal.Signals, Any] = {}

    @property
    def requested(self) -> bool:
        """Whether a signal arrived or the time is used up."""
        return self._signals > 0 or (self._deadline is not None and time.monotonic() >= self._deadline)

    def __enter__(self) -> StopRequest:
        try:
            for number in (signal.SIGTERM, signal.SIGINT):
                self._handlers[number] = signal.signal(number, self._receive)
        except ValueError:  # outside the main thread the caller handles signals
            pass
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        self._signals += 1
        if self._signals > 1:
            raise KeyboardInterrupt
