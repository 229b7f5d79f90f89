"""Keeps images of a cell beside its rows: the first ones in order, as many as fit in a fixed number of pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from gath_bench.contracts.batch import Batch
from gath_bench.results.images import KEPT_PIXELS, ImageStore, inputs_name
from gath_bench.suite.plan import Cell

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class ImageKeeper:
    """What of a run's images goes to disk.

    Attributes:
        store: where.
        batch_size: samples a batch, which tells a batch's place in the order.
        pixels: the most pixels of one cell, of the sources and of the targets; None keeps no image.
    """

    store: ImageStore
    batch_size: int
    pixels: int | None = KEPT_PIXELS

    def keep_inputs(self, cell: Cell, number: int, batch: Batch) -> None:
        """Keep a batch's source portraits and target images, unless another model's cell has done so."""
        sides: tuple[tuple[Literal["source", "target"], Tensor | None], ...] = (
            ("source", batch.source),
            ("target", batch.target),
        )
        for side, images in sides:
            name = inputs_name(str(cell.dataset.name), cell.protocol, side)
            if images is not None and not self.store.has(name, number):
                self._keep(name, number, batch.sample_id, images)

    def keep_generated(self, cell: Cell, number: int, batch: Batch, images: Tensor) -> None:
        """Keep what the model painted, float32 (B, 3, H, W), multiples of 1/255."""
        self._keep(cell.cell_id, number, batch.sample_id, images)

    def _keep(self, name: str, number: int, sample_ids: Sequence[str], images: Tensor) -> None:
        import torch

        if self.pixels is None:
            return
        size = images.shape[-2] * images.shape[-1]
        room = max(1, self.pixels // size) - number * self.batch_size
        if room <= 0:
            return
        levels = images[:room].mul(255).round().to(torch.uint8).permute(0, 2, 3, 1)
        self.store.write(name, number, sample_ids[:room], levels.contiguous().cpu().numpy())
