"""Mean-frame: a model that knows the data set and nobody in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gath_bench.contracts import ModelInfo

if TYPE_CHECKING:
    from torch import Tensor


class MeanFrame:
    """Returns the data set's average portrait for everyone: what a metric says of no likeness and no edit."""

    @property
    def info(self) -> ModelInfo:
        return ModelInfo(needs=frozenset({"mean_portrait"}))

    def to(self, device: str) -> MeanFrame:
        return self

    def animate(self, portraits: Tensor, target_aus: Tensor, *, mean_portrait: Tensor) -> Tensor:
        """The mean portrait (3, H, W), B times."""
        return mean_portrait.expand(len(portraits), -1, -1, -1).clone()
