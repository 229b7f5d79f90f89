"""Writes images of each cell into the run folder: the first samples in order, up to a fixed number of pixels."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from gath_bench.contracts.batch import Batch
from gath_bench.results.images import KEPT_PIXELS, ImageStore, inputs_name
from gath_bench.suite.plan import Cell

if TYPE_CHECKING:
    from torch import Tensor

#: Strips that may wait to be written: those of two batches.
MOST_PENDING = 6


@dataclass(frozen=True)
class ImageWriter:
    """Writes a run's source, target and generated images, in a thread beside the model.

    Attributes:
        store: the images of the run.
        batch_size: samples per batch.
        pixels: the limit per cell, and for source and target images; None writes no images.
    """

    store: ImageStore
    batch_size: int
    pixels: int | None = KEPT_PIXELS
    _thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "images"), repr=False)
    _pending: list[tuple[str, Future[Path]]] = field(default_factory=list, repr=False)

    def write_inputs(self, cell: Cell, number: int, batch: Batch) -> None:
        """Write a batch's source and target images, unless another model's cell has written them."""
        sides: tuple[tuple[Literal["source", "target"], Tensor | None], ...] = (
            ("source", batch.source),
            ("target", batch.target),
        )
        for side, images in sides:
            name = inputs_name(*cell.data_and_protocol, side)
            if images is not None and not self.store.has(name, number):
                self._write(name, number, batch.sample_id, images)

    def write_generated(self, cell: Cell, number: int, batch: Batch, images: Tensor) -> None:
        """Write the generated images, float32 (B, 3, H, W), multiples of 1/255."""
        self._write(cell.cell_id, number, batch.sample_id, images)

    def _write(self, name: str, number: int, sample_ids: Sequence[str], images: Tensor) -> None:
        import torch

        if self.pixels is None:
            return
        size = images.shape[-2] * images.shape[-1]
        remaining = max(1, self.pixels // size) - number * self.batch_size
        if remaining <= 0:
            return
        levels = images[:remaining].mul(255).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous()
        strip = self._thread.submit(
            self.store.write, name, number, sample_ids[:remaining], levels.cpu().numpy()
        )
        self._pending.append((name, strip))
        if len(self._pending) > MOST_PENDING:
            self._wait(*self._pending.pop(0))

    def flush(self) -> None:
        """Wait until all images are written; called before the shard that lists their batches."""
        while self._pending:
            self._wait(*self._pending.pop(0))

    def _wait(self, name: str, strip: Future[Path]) -> None:
        try:
            strip.result()
        except OSError as error:  # the values do not depend on these images
            warnings.warn(
                f"images of {name} cannot be written ({error.strerror or error}): the HTML report will lack them.",
                stacklevel=3,
            )
