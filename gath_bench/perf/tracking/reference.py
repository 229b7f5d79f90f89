"""Fixed pieces of work to measure beside the thing itself.

A busy machine slows everything, but not everything equally: a neighbour on the same core costs arithmetic a
little and small operations a lot. So there are several pieces, each of one character, and a call is measured in
turn with all of them (A B C D call, A B C D call, ...). A busy machine moves the call about as much as some
piece; slower code moves the call alone. There is no piece larger than a core's cache: its time depends on which
pages a process happens to get, and would drown what is measured beside it.
"""

from __future__ import annotations

import ctypes
import os
import time
from collections.abc import Callable, Mapping

from gath_bench.perf.timing import synchronise

#: The clock of a device kind, in seconds; pytest-benchmark knows them by these names. On a CPU it is processor
#: time, which stands still while another process has the core.
CLOCKS: dict[str, Callable[[], float]] = {"cpu": time.process_time, "cuda": time.perf_counter}

#: glibc's numbers of two settings of malloc, see mallopt(3).
_TRIM_THRESHOLD, _MMAP_MAX = -1, -4


def keep_freed_memory() -> None:
    """Let malloc keep what is freed rather than give it back to the system, for the rest of the process.

    By default every tensor of more than some 100 kB is mapped anew by each call, and what the kernel takes for
    fresh pages depends on its other clients more than on the code. Where malloc is not glibc's, nothing is changed.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if os.name == "posix" else None
    if mallopt is not None:
        mallopt(_MMAP_MAX, 0)
        mallopt(_TRIM_THRESHOLD, 1 << 30)


def reference_pieces(device: str) -> Mapping[str, Callable[[int], float]]:
    """The pieces by name: each does ``n`` units of its work on a device and gives the milliseconds a unit took.

    A unit takes roughly 0.05 to 1 ms of a processor. Never change one: what is stored is relative to them.
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
    return {name: timed(piece, device) for name, piece in work.items()}


def timed(piece: Callable[[], object], device: str) -> Callable[[int], float]:
    """A function that calls a piece of work ``n`` times and gives the milliseconds that one took."""
    clock = CLOCKS[device.partition(":")[0]]

    def run(units: int) -> float:
        import torch

        with torch.inference_mode():
            synchronise(device)
            start = clock()
            for _ in range(units):
                piece()
            synchronise(device)
            return (clock() - start) * 1000 / units

    return run


def units_for(milliseconds: float, unit: float) -> int:
    """How many units of a piece take about a quarter of a call, 1 to 2000.

    Pieces and call feel the same disturbances then, and a round takes about two calls.

    >>> units_for(10.0, 0.5)
    5
    """
    return max(1, min(2000, round(milliseconds / 4 / unit)))
