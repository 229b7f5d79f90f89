"""Computes the batches of a training stream in advance, in a thread."""

from __future__ import annotations

import atexit
import queue
import threading
from collections.abc import Callable, Iterator
from itertools import count
from typing import TypeVar

T = TypeVar("T")


def prefetch(
    make: Callable[[int], T], start: int = 0, stop: int | None = None, depth: int = 2
) -> Iterator[T]:
    """``make(start)``, ``make(start + 1)``, ...: a thread computes up to ``depth`` of them in advance.

    The thread ends when the iterator is closed or deleted. An exception of ``make`` is raised by the iterator.
    """
    ready: queue.Queue[tuple[T | None, BaseException | None]] = queue.Queue(maxsize=depth)
    done = threading.Event()

    def put(item: tuple[T | None, BaseException | None]) -> bool:
        while not done.is_set():
            try:
                ready.put(item, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False

    def produce() -> None:
        steps = count(start) if stop is None else range(start, stop)
        try:
            for step in steps:
                if not put((make(step), None)):
                    return
            put((None, None))
        except BaseException as error:
            put((None, error))

    thread = threading.Thread(target=produce, name="prefetch", daemon=True)

    def stop_thread() -> None:
        done.set()
        thread.join()

    # A thread that still computes while the interpreter shuts down would crash the process.
    atexit.register(stop_thread)
    thread.start()
    try:
        while True:
            item, error = ready.get()
            if error is not None:
                raise error
            if item is None:
                return
            yield item
    finally:
        stop_thread()
        atexit.unregister(stop_thread)
