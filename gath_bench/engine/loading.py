"""Batches on their way from a data set: loaded ahead, and kept while the next models want the same ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from gath_bench.contracts.batch import Batch, Sample
from gath_bench.errors import UsageError
from gath_bench.suite.plan import Cell

#: The most that is kept of one data set under one protocol: memory stays constant however long the list is.
KEEP_BYTES = 256 * 2**20


@dataclass
class BatchLoader:
    """Loads the batches of one cell after the other.

    The models of a suite get the same batches of a data set, one model after the other; what fits in
    ``keep_bytes`` is rendered or decoded once.
    """

    keep_bytes: int = KEEP_BYTES
    _place: tuple[str, str] = ("", "")
    _kept: dict[int, Batch] = field(default_factory=dict)
    _bytes: int = 0

    def batches(
        self, cell: Cell, chunks: Sequence[tuple[int, Sequence[Sample]]]
    ) -> Iterator[tuple[int, Sequence[Sample], Batch | Exception]]:
        """Numbered batches in order, the next one being loaded while this one is graded.

        Beside what is kept, three are in memory at the most: the next, this one and the one just finished.
        """
        place = (str(cell.dataset.name), cell.protocol)
        if place != self._place:
            self._place, self._kept, self._bytes = place, {}, 0
        if not chunks:
            return
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="load") as ahead:
            coming = ahead.submit(self._load, cell, *chunks[0])
            for index, (number, samples) in enumerate(chunks):
                batch = coming.result()
                if index + 1 < len(chunks):
                    coming = ahead.submit(self._load, cell, *chunks[index + 1])
                yield number, samples, batch

    def _load(self, cell: Cell, number: int, samples: Sequence[Sample]) -> Batch | Exception:
        import torch

        if number in self._kept:
            return self._kept[number]
        try:
            with torch.inference_mode():
                batch: Batch = cell.dataset.instance.load(samples)
        except UsageError:
            raise
        except Exception as error:
            return error
        size = sum(value.nbytes for value in vars(batch).values() if isinstance(value, torch.Tensor))
        if self._bytes + size <= self.keep_bytes:
            self._kept[number] = batch
            self._bytes += size
        return batch
