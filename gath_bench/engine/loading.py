"""Loads batches ahead of the model, as metrics see them, and keeps them while the next models need the same ones."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, field, replace
from threading import Thread
from typing import TYPE_CHECKING

from gath_bench.capture import capture
from gath_bench.component_calls import ComponentExit, component_call
from gath_bench.contracts.batch import Batch, Sample
from gath_bench.engine.outputs import checked_batch
from gath_bench.errors import describe_error
from gath_bench.images import to_8bit
from gath_bench.suite.plan import Cell

if TYPE_CHECKING:
    from torch import Tensor

#: The limit of kept batches of one data set under one protocol, so that memory does not grow with its size.
KEEP_BYTES = 256 * 2**20
#: Loading is parallel if other threads of the process work at least this share of the loading thread's own time.
_PARALLEL_SHARE = 0.25


@dataclass
class BatchLoader:
    """Loads the batches of cells, one cell after the other.

    All models of a suite get the same batches of a data set; batches that fit in ``keep_bytes`` are
    rendered or decoded, rounded to 8 bits and moved to the device once.

    A data set that reads and decodes files in one thread is loaded ahead, in a thread beside the model. One that
    computes its images with several threads, as ``synthfaces`` does, gains nothing from that where the model runs on
    the CPU too: its threads and those of the model would compete for the cores, and OpenMP lets threads sleep between
    operations when it has more of them than cores. Such batches are loaded in turn with the model. The first batch
    of a data set decides; the values are the same.

    Attributes:
        keep_bytes: the limit of kept batches, in bytes.
        device: where the model runs.
        ahead: batches may be loaded in a thread beside the model; otherwise, one component runs at a time.
    """

    keep_bytes: int = KEEP_BYTES
    device: str = "cpu"
    ahead: bool = True
    _place: tuple[str, str] = ("", "")
    _in_turn: bool | None = None
    _kept: dict[int, Batch] = field(default_factory=dict)
    _bytes: int = 0

    def batches(
        self, cell: Cell, chunks: Sequence[tuple[int, Sequence[Sample]]]
    ) -> Iterator[tuple[int, Sequence[Sample], Future[Batch]]]:
        """Numbered batches in order, as finished futures; the next one may be loaded while this one is graded.

        At most three batches are in memory besides the kept ones: the next, the current and the previous.
        """
        if cell.data_and_protocol != self._place:
            self._place, self._kept, self._bytes = cell.data_and_protocol, {}, 0
            self._in_turn = None if self.ahead else True
        following: Future[Batch] | None = None
        for index, (number, samples) in enumerate(chunks):
            if self._in_turn or number in self._kept:
                batch = capture(cell.dataset.label, self._load, cell, number, samples)
            else:
                batch = following or self._start(cell, number, samples)
                with component_call(cell.dataset.label):
                    wait([batch])
            following = None
            if index + 1 < len(chunks) and not self._in_turn and chunks[index + 1][0] not in self._kept:
                following = self._start(cell, *chunks[index + 1])
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
        whole, own = time.process_time(), time.thread_time()
        with torch.inference_mode():
            batch = checked_batch(cell.dataset.instance.load(samples), samples, cell.dataset.info)
            batch = as_graded(batch, self.device)
        whole, own = time.process_time() - whole, time.thread_time() - own
        if self._in_turn is None:  # the first batch: the main thread waits for it and does nothing else
            self._in_turn = self.device == "cpu" and whole - own > _PARALLEL_SHARE * own
        size = sum(value.nbytes for value in vars(batch).values() if isinstance(value, torch.Tensor))
        if self._bytes + size <= self.keep_bytes:
            self._kept[number] = batch
            self._bytes += size
        return batch


def as_graded(batch: Batch, device: str) -> Batch:
    """The batch on the device, its images rounded to 8 bits as in a file.

    All tensors are new, since a data set may fill the same ones again in its next call.
    """

    def rounded(images: Tensor | None) -> Tensor | None:
        return None if images is None else to_8bit(images.to(device))

    def copied(tensor: Tensor | None) -> Tensor | None:
        return None if tensor is None else tensor.to(device, copy=True)

    return replace(
        batch,
        source=to_8bit(batch.source.to(device)),
        target=rounded(batch.target),
        target_aus=batch.target_aus.to(device, copy=True),
        source_aus=copied(batch.source_aus),
        face_mask=copied(batch.face_mask),
    )
