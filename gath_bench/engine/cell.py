"""One cell: its batches stream in, the model animates each once, every metric sees the same tensors."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gath_bench.contracts.batch import Batch, Sample, Unreadable
from gath_bench.contracts.evaluator import Role
from gath_bench.contracts.metric import SystemMetric
from gath_bench.distributed import Ranks
from gath_bench.engine.feature_cache import BatchEvaluations
from gath_bench.engine.generate import Generated, Generator
from gath_bench.engine.image_writer import ImageKeeper
from gath_bench.engine.loading import BatchLoader
from gath_bench.engine.scoring import (
    BatchName,
    explain,
    grade,
    has_failed,
    refuse,
    refuse_samples,
    system_rows,
)
from gath_bench.engine.system_metrics import system_under_test
from gath_bench.errors import Unavailable
from gath_bench.images import to_8bit
from gath_bench.registry import Component
from gath_bench.results.observations import Rows, Status
from gath_bench.results.shards import SYSTEM_BATCH, ShardStore
from gath_bench.suite.plan import Cell

if TYPE_CHECKING:
    from torch import Tensor

#: Rows are flushed when the last flush is this long ago: the most that a kill can cost.
FLUSH_SECONDS = 2.0


@dataclass(frozen=True)
class CellRunner:
    """Runs cells: where rows go, on what device, and who wants to hear of progress.

    Attributes:
        store: the run's shards.
        keeper: keeps images beside them.
        loader: loads batches, and keeps them from one cell to the next.
        evaluators: the shared evaluators, already on the device.
        device: ``"cpu"`` or ``"cuda:i"``.
        seed: seeds the models' random numbers.
        batch_size: samples a batch.
        ranks: this process among the others.
        progress: called with the number of samples that were just done.
        strict: stop at the first failure rather than record it and go on.
    """

    store: ShardStore
    keeper: ImageKeeper
    loader: BatchLoader
    evaluators: Mapping[tuple[Role, str], Component | Exception | str]
    device: str
    seed: int
    batch_size: int
    ranks: Ranks
    progress: Callable[[int], None]
    strict: bool

    def run(self, cell: Cell) -> None:
        """Measure what of a cell is not yet on disk."""
        done = self._done(cell)
        generator = Generator.ready(cell.model, cell.dataset, self.device, self.seed)
        if self.ranks.first and SYSTEM_BATCH not in done:
            self._run_system(cell, generator)
        chunks = [
            (number, cell.samples[start : start + self.batch_size])
            for number, start in enumerate(range(0, len(cell.samples), self.batch_size))
        ]
        self.progress(sum(len(samples) for number, samples in chunks if number in done))
        todo = [chunk for chunk in chunks if chunk[0] not in done and self.ranks.mine(chunk[0])]

        pending, numbers, flushed = Rows(), list[int](), time.monotonic()
        for number, samples, batch in self.loader.batches(cell, todo):
            pending.extend(self._run_batch(cell, generator, BatchName(cell.cell_id, number), samples, batch))
            numbers.append(number)
            stop = self.strict and has_failed(pending)
            if stop or time.monotonic() - flushed > FLUSH_SECONDS or number == todo[-1][0]:
                self.store.write(cell.cell_id, pending, numbers, self.ranks.rank)
                self._stop_if_strict(pending)
                pending, numbers, flushed = Rows(), [], time.monotonic()
            self.progress(len(samples))

    def _done(self, cell: Cell) -> set[int]:
        """What is on disk, as the first rank sees it before any rank has begun: ``done`` removes failed shards."""
        done = sorted(self.store.done(cell.cell_id)) if self.ranks.first else []
        return set(json.loads(self.ranks.broadcast(json.dumps(done))))

    def _run_batch(
        self,
        cell: Cell,
        generator: Generator | Exception,
        name: BatchName,
        samples: Sequence[Sample],
        batch: Batch | Exception,
    ) -> Rows:
        metrics = [metric for metric in cell.metrics if not isinstance(metric.instance, SystemMetric)]
        if isinstance(batch, Exception):
            reason = f"loading failed: {explain(batch)}"
            lost = [Unreadable(sample.sample_id, sample.subject, reason) for sample in samples]
            return refuse_samples(metrics, name, lost, "failed")
        rows = refuse_samples(metrics, name, batch.unreadable, "na", first=len(batch))
        if len(batch) == 0:
            return rows
        batch = _as_graded(batch, self.device)
        self.keeper.keep_inputs(cell, name.number, batch)
        try:
            if isinstance(generator, Exception):
                raise generator
            generated = generator(batch, name.number)
        except Exception as error:
            status: Status = "na" if isinstance(error, Unavailable) else "failed"
            for metric in metrics:
                rows.extend(refuse(metric, name, batch, status, explain(error)))
            return rows
        batch, images, lost = _present(batch, generated)
        rows.extend(refuse_samples(metrics, name, lost, "na", first=len(batch)))
        if len(batch):
            self.keeper.keep_generated(cell, name.number, batch, images)
            rows.extend(_graded(metrics, name, batch, images, self.evaluators, cell))
        return rows

    def _run_system(self, cell: Cell, generator: Generator | Exception) -> None:
        """The system metrics of a cell, once."""
        metrics = [metric for metric in cell.metrics if isinstance(metric.instance, SystemMetric)]
        if not metrics:
            return
        rows = Rows()
        for metric in metrics:
            rows.extend(
                system_rows(
                    metric, BatchName(cell.cell_id, SYSTEM_BATCH), lambda: system_under_test(cell, generator)
                )
            )
        self.store.write(cell.cell_id, rows, [SYSTEM_BATCH])
        self._stop_if_strict(rows)

    def _stop_if_strict(self, rows: Rows) -> None:
        if self.strict and has_failed(rows):
            at = rows.columns["status"].index("failed")
            place = {name: rows.columns[name][at] for name in ("metric", "cell", "sample_id", "reason")}
            raise StrictFailure(
                "stopped by --strict: {metric} has no value in cell {cell} at sample {sample_id}: "
                "{reason}".format(**place)
            )


class StrictFailure(Exception):
    """A component failed and ``--strict`` asked to stop at once."""


def _graded(
    metrics: Sequence[Component],
    name: BatchName,
    batch: Batch,
    generated: Tensor,
    evaluators: Mapping[tuple[Role, str], Component | Exception | str],
    cell: Cell,
) -> Rows:
    import torch

    rows = Rows()
    evaluations = BatchEvaluations(
        evaluators,
        {"generated": generated, "source": batch.source, "target": batch.target},
        cell.dataset.instance.info.domain,
    )
    with torch.inference_mode():
        for metric in metrics:
            rows.extend(grade(metric, name, batch, generated, evaluations))
    return rows


def _present(batch: Batch, generated: Generated) -> tuple[Batch, Tensor, list[Unreadable]]:
    """The samples that have an image, their images, and the others with the reason: no metric sees those."""
    if not generated.missing:
        return batch, generated.images, []
    lost = [
        Unreadable(batch.sample_id[position], batch.subject[position], reason)
        for position, reason in sorted(generated.missing.items())
    ]
    kept = [position for position in range(len(batch)) if position not in generated.missing]

    def picked(value: object) -> object:
        # Every field of B entries is a tuple or a tensor; the unreadable have their rows already.
        return tuple(value[i] for i in kept) if isinstance(value, tuple) else value[kept]  # type: ignore[index]

    fields = {
        name: picked(value)
        for name, value in vars(batch).items()
        if value is not None and name not in ("au_space", "unreadable")
    }
    return replace(batch, **fields), generated.images[kept], lost  # type: ignore[arg-type]


def _as_graded(batch: Batch, device: str) -> Batch:
    """The batch on the device, its images rounded to 8 bits: what a viewer would have got."""

    def graded(images: Tensor | None) -> Tensor | None:
        return None if images is None else to_8bit(images.to(device))

    def moved(tensor: Tensor | None) -> Tensor | None:
        return None if tensor is None else tensor.to(device)

    return replace(
        batch,
        source=to_8bit(batch.source.to(device)),
        target=graded(batch.target),
        target_aus=batch.target_aus.to(device),
        source_aus=moved(batch.source_aus),
        face_mask=moved(batch.face_mask),
    )
