"""A fixed piece of work to measure beside the thing itself.

A busy machine slows everything. What is stored is therefore a ratio: the time of a call over the time of this
work, measured in turn with it (A B A B ...). A slower machine moves both; slower code moves one. On a CPU the
clock is processor time, which stands still while another process has the core.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from gath_bench.perf.timing import synchronise

#: The clock of a device kind, in seconds; pytest-benchmark knows them by these names.
CLOCKS: dict[str, Callable[[], float]] = {"cpu": time.process_time, "cuda": time.perf_counter}

#: One unit of work: a 3x3 convolution over (1, 32, 64, 64) and a 256 x 256 matrix product, float32.
#: Never change it: stored ratios are in this unit.
_CHANNELS, _SIDE, _MATRIX = 32, 64, 256


def reference_work(device: str) -> Callable[[int], float]:
    """A function that does ``n`` units of work on a device and gives the milliseconds a unit took."""
    import torch
    import torch.nn.functional as F

    generator = torch.Generator().manual_seed(0)
    images = torch.randn(1, _CHANNELS, _SIDE, _SIDE, generator=generator).to(device)
    kernel = torch.randn(_CHANNELS, _CHANNELS, 3, 3, generator=generator).to(device)
    matrix = torch.randn(_MATRIX, _MATRIX, generator=generator).to(device)

    clock = CLOCKS[device.partition(":")[0]]

    def work(units: int) -> float:
        synchronise(device)
        start = clock()
        with torch.inference_mode():
            for _ in range(units):
                F.conv2d(images, kernel, padding=1)
                matrix @ matrix
        synchronise(device)
        return (clock() - start) * 1000 / units

    return work


def units_for(milliseconds: float, unit: float) -> int:
    """How many units take about as long as a call, so that both feel the same disturbances; 1 to 2000.

    >>> units_for(10.0, 2.0)
    5
    """
    return max(1, min(2000, round(milliseconds / unit)))
