"""Runs one cell: loads its batches, animates each once, and gives the same tensors to every metric."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from gath_bench.capture import capture
from gath_bench.component_calls import component_call
from gath_bench.contracts.batch import Batch, Sample, Unreadable
from gath_bench.contracts.dataset import DatasetInfo
from gath_bench.contracts.metric import CorpusMetric, SystemMetric
from gath_bench.distributed import Ranks
from gath_bench.engine.animate import Animator, Generated
from gath_bench.engine.corpus import CorpusScorer, PendingFeatures
from gath_bench.engine.image_writer import ImageWriter
from gath_bench.engine.loading import BatchLoader
from gath_bench.engine.scoring import BatchScorer
from gath_bench.engine.system_metrics import system_under_test
from gath_bench.errors import describe_error
from gath_bench.evaluators import EvaluatorPool, FeatureCache, SharedFeatures
from gath_bench.faces.framing import Framing
from gath_bench.perf import return_freed_memory
from gath_bench.registry import Component
from gath_bench.results.observations import Observations
from gath_bench.results.shards import SYSTEM_BATCH, ShardStore
from gath_bench.suite.plan import Cell

if TYPE_CHECKING:
    from torch import Tensor

#: Observations are written when the last write is this long ago: the most work that a killed run loses.
FLUSH_SECONDS = 2.0
#: Freed memory is returned to the system after so many batches. Returning it costs as much as clearing it again, and
#: until then freed blocks of about the size of a batch remain unused after each batch.
TRIM_BATCHES = 8

#: Called with a cell id and the number of its samples that were just finished.
Progress = Callable[[str, int], None]


class StrictFailure(Exception):
    """A component failed and ``strict`` was set."""


@dataclass(frozen=True)
class CellRunner:
    """Runs the cells of one run.

    Attributes:
        store: the run's shards.
        corpus: the corpus metrics and their features.
        images: writes images of the run.
        loader: loads batches, and keeps them for the next model.
        evaluators: the shared evaluators, on the device.
        shared: features of source and target images, kept for the next model.
        device: ``"cpu"`` or ``"cuda:i"``.
        seed: seeds the models' random numbers.
        batch_size: samples per batch.
        ranks: this process in its group.
        progress: called at the start of each cell, with its samples on disk, and after each batch.
        strict: stop at the first failure.
        detector: name of the face detector, for images whose framing is not known.
    """

    store: ShardStore
    corpus: CorpusScorer
    images: ImageWriter
    loader: BatchLoader
    evaluators: EvaluatorPool
    shared: SharedFeatures
    device: str
    seed: int
    batch_size: int
    ranks: Ranks
    progress: Progress
    strict: bool
    detector: str
    _framings: dict[tuple[str, str], Framing] = field(default_factory=dict, repr=False)

    def run(self, cell: Cell, reused: Mapping[str, Sequence[dict[str, Any]]] | None = None) -> None:
        """Measure the batches of a cell that are not yet on disk.

        Args:
            cell: the cell.
            reused: metric -> its observations in this cell; they are written with those of the other metrics.
        """
        reused = reused or {}
        if self.ranks.first:
            self.corpus.prepare(cell, -(-len(cell.samples) // self.batch_size))
        done = self._done(cell)
        chunks = [
            (number, cell.samples[start : start + self.batch_size])
            for number, start in enumerate(range(0, len(cell.samples), self.batch_size))
        ]
        self.progress(cell.cell_id, sum(len(samples) for number, samples in chunks if number in done))
        animator = capture(
            cell.model.label,
            Animator.on_device,
            cell.model,
            cell.dataset,
            self.device,
            self.seed,
            self._framing(cell),
        )
        if self.ranks.first and SYSTEM_BATCH not in done:
            self._run_system(cell, animator)
        todo = [chunk for chunk in chunks if chunk[0] not in done and self.ranks.mine(chunk[0])]

        pending, numbers, flushed = Observations(), list[int](), time.monotonic()
        features = PendingFeatures()
        known: dict[int, list[dict[str, Any]]] = {}
        for row in (row for rows in reused.values() for row in rows):
            known.setdefault(row["batch"], []).append(row)
        metrics = [
            metric
            for metric in cell.metrics
            if not isinstance(metric.instance, SystemMetric) and str(metric.name) not in reused
        ]
        batches = self.loader.batches(cell, todo) if metrics or not reused else ((*one, None) for one in todo)
        for index, (number, samples, loaded) in enumerate(batches):
            for row in known.get(number, ()):
                pending.add(**row)
            if loaded is not None:
                scorer = BatchScorer(pending, cell.cell_id, number)
                self._run_batch(cell, animator, scorer, metrics, samples, loaded, features)
            numbers.append(number)
            stop = self.strict and pending.has_failed
            if stop or time.monotonic() - flushed > FLUSH_SECONDS or number == todo[-1][0]:
                self.images.flush()
                self.corpus.write(cell, features, numbers, self.ranks.rank)
                self.store.write(cell.cell_id, pending, numbers, self.ranks.rank)
                self._stop_if_strict(pending)
                pending, numbers, flushed = Observations(), [], time.monotonic()
                features = PendingFeatures()
            if index % TRIM_BATCHES == 0:
                return_freed_memory()
            self.progress(cell.cell_id, len(samples))

    def finish(self, cell: Cell) -> None:
        """Compute the corpus metrics of a cell that all ranks have measured. Called on the first rank only."""
        self._stop_if_strict(self.corpus.finish(cell))

    def _framing(self, cell: Cell) -> Framing:
        """The framing of a data set: one object, so that all models share the faces that were found."""
        if cell.data_and_protocol not in self._framings:
            info: DatasetInfo = cell.dataset.info
            self._framings[cell.data_and_protocol] = self.evaluators.framing(
                info.template, self.detector, info.domain
            )
        return self._framings[cell.data_and_protocol]

    def _done(self, cell: Cell) -> set[int]:
        """The batches on disk, read by rank 0 before any rank starts, since reading removes failed shards."""
        done = sorted(self.store.done(cell.cell_id)) if self.ranks.first else []
        return set(json.loads(self.ranks.broadcast(json.dumps(done))))

    def _run_batch(
        self,
        cell: Cell,
        animator: Future[Animator],
        scorer: BatchScorer,
        metrics: Sequence[Component],
        samples: Sequence[Sample],
        loaded: Future[Batch],
        pending: PendingFeatures,
    ) -> None:
        import torch

        try:
            batch = loaded.result()
        except Exception as error:
            reason = f"loading failed: {describe_error(error)}"
            lost = [Unreadable(sample.sample_id, sample.subject, reason) for sample in samples]
            return scorer.add_missing(metrics, lost, "failed")
        scorer.add_missing(metrics, batch.unreadable, "na", first=len(batch))
        if len(batch) == 0:
            return None
        self.images.write_inputs(cell, scorer.batch, batch)
        try:
            with component_call(cell.model.label):
                generated = animator.result()(batch, scorer.batch)
        except Exception as error:
            return scorer.add_batch_error(metrics, batch, error)
        whole = batch
        batch, images, lost = _present(batch, generated)
        scorer.add_missing(metrics, lost, "na", first=len(batch))
        if len(batch) == 0:
            return None
        self.images.write_generated(cell, scorer.batch, batch, images)
        features = FeatureCache(
            self.evaluators,
            {
                "generated": images,
                "source": batch.source if cell.dataset.info.has_source else None,
                "target": batch.target,
            },
            cell.dataset.info.domain,
            self._framing(cell),
            # Features may depend on the composition of a batch by rounding: those of a part of it are not shared.
            shared=self.shared.of(cell.data_and_protocol, scorer.batch) if batch is whole else None,
        )
        with torch.inference_mode():
            for metric in metrics:
                if isinstance(metric.instance, CorpusMetric):
                    position = cell.metrics.index(metric)
                    check = partial(pending.refuse_other_widths, position)
                    found = scorer.collect(metric, batch, images, features, check)
                    pending.add(position, scorer.batch, batch, found)
                else:
                    scorer.score(metric, batch, images, features)
        return None

    def _run_system(self, cell: Cell, animator: Future[Animator]) -> None:
        """The system metrics of a cell, once."""
        metrics = [metric for metric in cell.metrics if isinstance(metric.instance, SystemMetric)]
        if not metrics:
            return
        observations = Observations()
        scorer = BatchScorer(observations, cell.cell_id, SYSTEM_BATCH)
        for metric in metrics:
            scorer.score_system(metric, lambda: system_under_test(cell, animator.result()))
        self.store.write(cell.cell_id, observations, [SYSTEM_BATCH])
        self._stop_if_strict(observations)

    def _stop_if_strict(self, observations: Observations) -> None:
        if self.strict and observations.has_failed:
            columns = observations.columns
            at = columns["status"].index("failed")
            place = {name: columns[name][at] for name in ("metric", "cell", "sample_id", "reason")}
            raise StrictFailure(
                "stopped by --strict: {metric} has no value in cell {cell} at sample {sample_id}: "
                "{reason}".format(**place)
            )


def _present(batch: Batch, generated: Generated) -> tuple[Batch, Tensor, list[Unreadable]]:
    """The samples that have an image, their images, and the other samples with the reason."""
    if not generated.missing:
        return batch, generated.images, []
    lost = [
        Unreadable(batch.sample_id[position], batch.subject[position], reason)
        for position, reason in sorted(generated.missing.items())
    ]
    kept = [position for position in range(len(batch)) if position not in generated.missing]
    return batch.select(kept), generated.images[kept], lost
