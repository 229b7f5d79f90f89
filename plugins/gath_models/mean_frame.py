"""mean-frame: the mean portrait of the data set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gath_bench.contracts import ModelInfo

if TYPE_CHECKING:
    from torch import Tensor


class MeanFrame:
    """Returns the mean portrait of the data set for every sample: neither identity nor edit."""

    @property
    def info(self) -> ModelInfo:
        return ModelInfo(needs=frozenset({"mean_portrait"}), baseline=True)

    def to(self, device: str) -> MeanFrame:
        return self

    def animate(self, portraits: Tensor, target_aus: Tensor, *, mean_portrait: Tensor) -> Tensor:
        """The mean portrait (3, H, W), B times."""
        return mean_portrait.expand(len(portraits), -1, -1, -1).clone()
