"""One benchmark of a record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class BenchmarkCase:
    """A model or metric whose speed is tracked.

    Attributes:
        name: the benchmark's name, such as ``model/copy-source/batch-1/128px``; records are compared by it.
        key: the component key, which says exactly what was measured.
        images: the number of images per call.
        prepare: returns the call to time; not timed itself.
        held_bytes: size of weights and buffers in bytes, added to the peak memory of a call.
    """

    name: str
    key: str
    images: int
    prepare: Callable[[], Callable[[], object]]
    held_bytes: int = 0
