"""Loads batches ahead of the model, and keeps them while the next models need the same ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from gath_bench.contracts.batch import Batch, Sample
from gath_bench.suite.plan import Cell

#: The limit of kept batches of one data set under one protocol, so that memory does not grow with its size.
KEEP_BYTES = 256 * 2**20


@dataclass
class BatchLoader:
    """Loads the batches of cells, one cell after the other.

    All models of a suite get the same batches of a data set; batches that fit in ``keep_bytes`` are
    rendered or decoded once.
    """

    keep_bytes: int = KEEP_BYTES
    _place: tuple[str, str] = ("", "")
    _kept: dict[int, Batch] = field(default_factory=dict)
    _bytes: int = 0

    def batches(
        self, cell: Cell, chunks: Sequence[tuple[int, Sequence[Sample]]]
    ) -> Iterator[tuple[int, Sequence[Sample], Future[Batch]]]:
        """Numbered batches in order, as finished futures; the next one is loaded while this one is graded.

        At most three batches are in memory besides the kept ones: the next, the current and the previous.
        """
        place = (str(cell.dataset.name), cell.protocol)
        if place != self._place:
            self._place, self._kept, self._bytes = place, {}, 0
        if not chunks:
            return
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="load") as ahead:
            next_batch = ahead.submit(self._load, cell, *chunks[0])
            for index, (number, samples) in enumerate(chunks):
                batch = next_batch
                wait([batch])
                if index + 1 < len(chunks):
                    next_batch = ahead.submit(self._load, cell, *chunks[index + 1])
                yield number, samples, batch

    def _load(self, cell: Cell, number: int, samples: Sequence[Sample]) -> Batch:
        import torch

        if number in self._kept:
            return self._kept[number]
        with torch.inference_mode():
            batch: Batch = cell.dataset.instance.load(samples)
        size = sum(value.nbytes for value in vars(batch).values() if isinstance(value, torch.Tensor))
        if self._bytes + size <= self.keep_bytes:
            self._kept[number] = batch
            self._bytes += size
        return batch
