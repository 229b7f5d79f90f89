"""copy-source: the baseline without any edit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gath_bench.contracts import ModelInfo

if TYPE_CHECKING:
    from torch import Tensor


class CopySource:
    """Returns the portrait unedited. Its throughput is the overhead of the measurement."""

    @property
    def info(self) -> ModelInfo:
        return ModelInfo(baseline=True)

    def to(self, device: str) -> CopySource:
        return self

    def animate(self, portraits: Tensor, target_aus: Tensor) -> Tensor:
        """A copy of the portraits, (B, 3, H, W)."""
        return portraits.clone()
