"""Stops a component that does not return in time."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from gath_bench.component_calls import TimeLimit, is_inside_component

#: A cell may take this many seconds more than the limit of its run; a component that still runs then is stopped.
GRACE_SECONDS = 10.0
#: How often a component that catches the exception is stopped again, in seconds.
_AGAIN = 0.5


@contextmanager
def time_limit(seconds: float | None) -> Iterator[None]:
    """Raise `TimeLimit` in a component that still runs ``GRACE_SECONDS`` after the limit.

    It takes a signal, and therefore works in the main thread of a process on Unix; elsewhere nothing is stopped. A
    call of a C library ends first.

    Args:
        seconds: the limit, from now; None for none.

    Raises:
        TimeLimit: in the component; the engine's own code is never stopped.
    """
    main = threading.current_thread() is threading.main_thread()
    if seconds is None or not main or not hasattr(signal, "setitimer"):
        yield
        return

    def stop(*_: object) -> None:
        if is_inside_component():
            raise TimeLimit

    previous = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.0) + GRACE_SECONDS, _AGAIN)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
