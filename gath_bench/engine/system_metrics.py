"""The input of system metrics: a model on its device with a cell's first samples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gath_bench.contracts.metric import SystemUnderTest
from gath_bench.engine.animate import Animator
from gath_bench.engine.outputs import checked_animated, checked_batch
from gath_bench.errors import Unavailable
from gath_bench.suite.plan import Cell

if TYPE_CHECKING:
    from torch import Tensor

#: Number of samples that a system metric gets.
SYSTEM_SAMPLES = 16


def system_under_test(cell: Cell, animator: Animator) -> SystemUnderTest:
    """Load a cell's first samples to the model's device, at the model's resolution.

    Raises:
        Unavailable: the model's speed is not meaningful, or no sample could be read.
    """
    import torch

    if not animator.info.timed:
        raise Unavailable(f"not timed: {cell.model.name} only reads its images from a folder")
    samples = cell.samples[:SYSTEM_SAMPLES]
    batch = checked_batch(cell.dataset.instance.load(samples), samples, cell.dataset.info)
    if len(batch) == 0:
        raise Unavailable("no sample could be read")
    extras = animator.extras(batch)

    def animate(portraits: Tensor, target_aus: Tensor) -> Tensor:
        count = len(portraits)
        with torch.inference_mode():
            needs = {name: _cycled(name, value, count) for name, value in extras.items()}
            result = animator.model.animate(portraits, target_aus, **needs)
        return checked_animated(result, count, portraits.shape[-1]).images

    return SystemUnderTest(
        model=animator.model,
        animate=animate,
        portraits=animator.portraits(batch),
        target_aus=animator.target_aus(batch),
        resolution=cell.dataset.info.resolution,
        device=animator.device,
    )


def _cycled(name: str, value: Any, count: int) -> Any:
    """An input with B entries, repeated or cut to ``count`` samples."""
    import torch

    if name == "mean_portrait":
        return value
    picked = [index % len(value) for index in range(count)]
    if isinstance(value, torch.Tensor):
        return value[picked]
    return tuple(value[index] for index in picked)
