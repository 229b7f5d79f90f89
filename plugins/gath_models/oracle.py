"""oracle: the target image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gath_bench.contracts import ModelInfo

if TYPE_CHECKING:
    from torch import Tensor


class Oracle:
    """Returns the target image: the value of a metric for a perfect edit."""

    @property
    def info(self) -> ModelInfo:
        return ModelInfo(needs=frozenset({"target"}), timed=False, baseline=True)

    def to(self, device: str) -> Oracle:
        return self

    def animate(self, portraits: Tensor, target_aus: Tensor, *, target: Tensor) -> Tensor:
        """The target images, (B, 3, H, W)."""
        return target
