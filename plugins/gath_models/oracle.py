"""The oracle: a model that is shown the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gath_bench.contracts import ModelInfo

if TYPE_CHECKING:
    from torch import Tensor


class Oracle:
    """Returns the target image. Its row is the floor: what a metric says of a perfect edit."""

    @property
    def info(self) -> ModelInfo:
        return ModelInfo(needs=frozenset({"target"}), timed=False)

    def to(self, device: str) -> Oracle:
        return self

    def animate(self, portraits: Tensor, target_aus: Tensor, *, target: Tensor) -> Tensor:
        """The target images, (B, 3, H, W)."""
        return target
