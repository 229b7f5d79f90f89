"""Loads batches ahead of the model, and keeps them while the next models need the same ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from threading import Thread

from gath_bench.capture import capture
from gath_bench.component_calls import ComponentExit, component_call
from gath_bench.contracts.batch import Batch, Sample
from gath_bench.engine.outputs import checked_batch
from gath_bench.errors import describe_error
from gath_bench.suite.plan import Cell

#: The limit of kept batches of one data set under one protocol, so that memory does not grow with its size.
KEEP_BYTES = 256 * 2**20


@dataclass
class BatchLoader:
    """Loads the batches of cells, one cell after the other.

    All models of a suite get the same batches of a data set; batches that fit in ``keep_bytes`` are
    rendered or decoded once.

    Attributes:
        keep_bytes: the limit of kept batches, in bytes.
        ahead: load the next batch in a thread while this one is graded; otherwise, one component runs at a time.
    """

    keep_bytes: int = KEEP_BYTES
    ahead: bool = True
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
        if not self.ahead:
            for number, samples in chunks:
                yield number, samples, capture(cell.dataset.label, self._load, cell, number, samples)
            return
        if not chunks:
            return
        next_batch = self._start(cell, *chunks[0])
        for index, (number, samples) in enumerate(chunks):
            batch = next_batch
            with component_call(cell.dataset.label):
                wait([batch])
            if index + 1 < len(chunks):
                next_batch = self._start(cell, *chunks[index + 1])
            yield number, samples, batch

    def _start(self, cell: Cell, number: int, samples: Sequence[Sample]) -> Future[Batch]:
        """Load a batch in a thread. A daemon, so that a data set that hangs does not keep the process alive."""
        loaded: Future[Batch] = Future()

        def load() -> None:
            try:
                with component_call(cell.dataset.label, restore=False):
                    loaded.set_result(self._load(cell, number, samples))
            except BaseException as error:  # an interrupt of the user arrives in the main thread alone
                failure = error if isinstance(error, Exception) else ComponentExit(describe_error(error))
                loaded.set_exception(failure)

        Thread(target=load, name=f"load-{number}", daemon=True).start()
        return loaded

    def _load(self, cell: Cell, number: int, samples: Sequence[Sample]) -> Batch:
        import torch

        if number in self._kept:
            return self._kept[number]
        with torch.inference_mode():
            batch = checked_batch(cell.dataset.instance.load(samples), samples, cell.dataset.info)
        size = sum(value.nbytes for value in vars(batch).values() if isinstance(value, torch.Tensor))
        if self._bytes + size <= self.keep_bytes:
            self._kept[number] = batch
            self._bytes += size
        return batch
