"""Fixed workloads that are measured next to each call.

Load on a machine slows different kinds of work by different amounts: a process on the same core costs arithmetic
little and small operations much. Therefore there are several workloads, one per kind, and they are measured in turn
with the call (A B C D call, A B C D call, ...). Load slows the call about as much as one of the workloads; a change
of the code slows the call alone. No workload is larger than a core's cache: its time would depend on the memory pages
that the process happens to get, and that variation is larger than the effects that are to be measured.
"""

from __future__ import annotations

import ctypes
import os
import time
from collections.abc import Callable, Mapping

from gath_bench.perf import synchronise

#: The clock per device kind, in seconds; pytest-benchmark selects them by these names. On a CPU it is processor
#: time, which does not advance while another process has the core.
CLOCKS: dict[str, Callable[[], float]] = {"cpu": time.process_time, "cuda": time.perf_counter}

#: glibc's numbers of two settings of malloc, see mallopt(3).
_TRIM_THRESHOLD, _MMAP_MAX = -1, -4


def keep_freed_memory() -> None:
    """Make malloc keep freed memory instead of returning it to the system, for the rest of the process.

    By default every tensor above about 100 kB is mapped anew in each call, and the time that the kernel takes for new
    pages depends more on other processes than on the code. No effect where malloc is not glibc's.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if os.name == "posix" else None
    if mallopt is not None:
        mallopt(_MMAP_MAX, 0)
        mallopt(_TRIM_THRESHOLD, 1 << 30)


def reference_workloads(device: str) -> Mapping[str, Callable[[int], float]]:
    """Workload name -> function of ``n`` that runs ``n`` units on a device and returns milliseconds per unit.

    A unit takes about 0.05 to 1 ms on a CPU. Do not change a workload: stored records are relative to them.
    """
    import torch
    import torch.nn.functional as F

    generator = torch.Generator().manual_seed(0)

    def noise(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator).to(device)

    matrix, product = noise(256, 256), noise(256, 256)
    images, kernel = noise(1, 32, 32, 32), noise(32, 32, 3, 3)
    few = noise(64)
    cached, cached_out = noise(1 << 16), noise(1 << 16)  # 256 kB: a core's own cache

    def small() -> None:
        for _ in range(20):
            torch.add(few, 1.0, out=few)

    work: dict[str, Callable[[], object]] = {
        "matrix": lambda: torch.mm(matrix, matrix, out=product),
        "convolution": lambda: F.conv2d(images, kernel, padding=1),
        "small": small,
        "cache": lambda: torch.mul(cached, 1.01, out=cached_out),
    }
    return {name: timed(unit, device) for name, unit in work.items()}


def timed(unit: Callable[[], object], device: str) -> Callable[[int], float]:
    """A function of ``n`` that calls ``unit`` ``n`` times and returns the milliseconds per call."""
    clock = CLOCKS[device.partition(":")[0]]

    def run(count: int) -> float:
        import torch

        with torch.inference_mode():
            synchronise(device)
            start = clock()
            for _ in range(count):
                unit()
            synchronise(device)
            return (clock() - start) * 1000 / count

    return run


def units_for(milliseconds: float, unit: float) -> int:
    """The number of units of a workload that take about a quarter of a call, between 1 and 2000.

    Workload and call are then exposed to the same load, and a round takes about two calls.

    >>> units_for(10.0, 0.5)
    5
    """
    return max(1, min(2000, round(milliseconds / 4 / unit)))
