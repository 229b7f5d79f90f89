"""Duration of a call: with warm-up and synchronisation, one reading per call."""

from __future__ import annotations

import time
from collections.abc import Callable


def synchronise(device: str) -> None:
    """Wait until a CUDA device has finished; no effect on a CPU, where calls return when they are done."""
    if device.startswith("cuda"):
        import torch

        torch.cuda.synchronize(device)


def time_calls(
    call: Callable[[], object],
    *,
    device: str = "cpu",
    seconds: float = 1.0,
    warmup: int = 2,
    least: int = 5,
    most: int = 1000,
) -> tuple[float, ...]:
    """Call a function repeatedly and return the wall time of each call in milliseconds.

    The device is synchronised before and after each call, so that a reading includes exactly the work that the
    call queued. The clock is ``time.perf_counter_ns``. Calls are repeated for ``seconds``, but at least ``least``
    and at most ``most`` times.

    Args:
        call: the function to time; its result is discarded.
        device: ``"cpu"`` or ``"cuda:i"``.
        seconds: total time of the readings; the warm-up is not included.
        warmup: calls before the first reading.
        least: minimal number of readings.
        most: maximal number of readings.

    >>> len(time_calls(lambda: None, seconds=0, least=3))
    3
    """
    if least < 1 or most < least:
        raise ValueError(f"needs 1 <= least <= most, not least={least}, most={most}")
    for _ in range(warmup):
        call()
    synchronise(device)
    readings: list[float] = []
    end = time.perf_counter_ns() + round(seconds * 1e9)
    while len(readings) < least or (len(readings) < most and time.perf_counter_ns() < end):
        synchronise(device)
        start = time.perf_counter_ns()
        call()
        synchronise(device)
        readings.append((time.perf_counter_ns() - start) / 1e6)
    return tuple(readings)
