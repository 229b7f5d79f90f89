"""What a system metric gets: the model on its device, fed with a cell's first samples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gath_bench.contracts.metric import SystemUnderTest
from gath_bench.contracts.model import Animated
from gath_bench.engine.generate import Generator
from gath_bench.errors import Unavailable
from gath_bench.suite.plan import Cell

if TYPE_CHECKING:
    from torch import Tensor

#: Samples that a system metric gets to work with.
SYSTEM_SAMPLES = 16


def system_under_test(cell: Cell, generator: Generator | Exception) -> SystemUnderTest:
    """Load a cell's first samples and put them, at the model's resolution, on its device.

    Raises:
        Unavailable: the model is not worth timing, or there is nothing to feed it with.
    """
    import torch

    if isinstance(generator, Exception):
        raise generator
    if not generator.info.timed:
        raise Unavailable(f"not timed: {cell.model.name} only looks its images up")
    batch = cell.dataset.instance.load(cell.samples[:SYSTEM_SAMPLES])
    if len(batch) == 0:
        raise Unavailable("no sample could be read")
    extras = generator.extras(batch)

    def animate(portraits: Tensor, target_aus: Tensor) -> Tensor:
        count = len(portraits)
        with torch.inference_mode():
            needs = {name: _cycled(name, value, count) for name, value in extras.items()}
            result = generator.model.animate(portraits, target_aus, **needs)
        return result.images if isinstance(result, Animated) else result

    return SystemUnderTest(
        model=generator.model,
        animate=animate,
        portraits=generator.portraits(batch),
        target_aus=generator.target_aus(batch),
        resolution=cell.dataset.instance.info.resolution,
        device=generator.device,
    )


def _cycled(name: str, value: Any, count: int) -> Any:
    """A batch-long extra, repeated or cut to ``count`` samples."""
    import torch

    if name == "mean_portrait":
        return value
    picked = [index % len(value) for index in range(count)]
    if isinstance(value, torch.Tensor):
        return value[picked]
    return tuple(value[index] for index in picked)
