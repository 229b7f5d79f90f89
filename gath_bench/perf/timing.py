"""How long a call takes: warmed up, synchronised, one reading a call."""

from __future__ import annotations

import time
from collections.abc import Callable


def synchronise(device: str) -> None:
    """Wait until a CUDA device has done all its work; nothing on a CPU, whose calls return when done."""
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
    """Call something again and again, and give each call's wall time in milliseconds.

    Every reading begins and ends on an idle device, so that it holds the work that the call queued, and no
    other. The clock is ``time.perf_counter_ns``. Calls go on until the time is spent, but there are at least
    ``least`` readings, however slow the call, and at most ``most``.

    Args:
        call: what to time; its result is thrown away.
        device: ``"cpu"`` or ``"cuda:i"``.
        seconds: the time to spend on readings; the warm-up comes on top.
        warmup: calls before the first reading.
        least: fewest readings.
        most: most readings.

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
