"""Corpus metrics: keeps the features of batches in the run folder, and computes values and bootstrap sets from them.

The features of the batches of a shard are in ``corpus/<shard>.npz``, written before the shard. They are removed when
the metric's record is written; batches whose features are missing are measured again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gath_bench.component_calls import component_call
from gath_bench.contracts.batch import Batch
from gath_bench.contracts.keys import fingerprint
from gath_bench.contracts.metric import CorpusFeatures, CorpusMetric, MetricInfo
from gath_bench.engine.scoring import status_of
from gath_bench.errors import Unavailable, describe_error
from gath_bench.files import atomic_write, remove_partial
from gath_bench.registry import Component
from gath_bench.results.corpus import StoredValues
from gath_bench.results.observations import Observations
from gath_bench.results.shards import CORPUS_BATCH, ShardStore, shard_stem
from gath_bench.suite.plan import Cell

#: The folder of features in a run folder.
FEATURES = "corpus"
#: Resamples of the subjects, and the number of samples above which there are fewer, since each is expensive.
DRAWS, MANY_SAMPLES, FEW_DRAWS = 200, 1000, 50


@dataclass
class PendingFeatures:
    """The features of the batches since the last shard: for each metric (by position in its cell) a list of parts."""

    parts: dict[int, list[dict[str, NDArray[Any]]]] = field(default_factory=dict)

    def refuse_other_widths(self, metric: int, found: CorpusFeatures) -> None:
        """Refuse features that cannot be stored with those of the batches before.

        Raises:
            ValueError: their names or widths differ.
        """
        for part in self.parts.get(metric, [])[:1]:
            names = {name for name in part if name.startswith("values.")}
            before = {name.removeprefix("values."): part[name].shape[1] for name in names}
            after = {name: values.shape[1] for name, values in found.values.items()}
            if after != before:
                raise ValueError(f"update returned features of the widths {after}, and before {before}")

    def add(self, metric: int, number: int, batch: Batch, found: CorpusFeatures | None) -> None:
        """Add the samples of a batch that count.

        Args:
            metric: position in ``Cell.metrics``.
            number: of the batch.
            batch: the samples.
            found: their features; None if none counts.
        """
        if found is None:
            return
        kept = [position for position in range(len(batch)) if position not in found.missing]
        part: dict[str, NDArray[Any]] = {
            f"values.{name}": values[kept].detach().float().cpu().numpy()
            for name, values in found.values.items()
        }
        part["sample_id"] = np.array([batch.sample_id[position] for position in kept], dtype=np.str_)
        part["subject"] = np.array([batch.subject[position] for position in kept], dtype=np.str_)
        part["batch"] = np.full(len(kept), number)
        if kept:
            self.parts.setdefault(metric, []).append(part)


@dataclass(frozen=True)
class CorpusScorer:
    """The corpus metrics of a run.

    Attributes:
        store: the shards.
        folder: of the features.
    """

    store: ShardStore
    folder: Path

    def write(self, cell: Cell, pending: PendingFeatures, batches: Sequence[int], rank: int) -> None:
        """Write the features of the batches of a shard, before the shard, if the cell has corpus metrics."""
        if not corpus_metrics(cell):
            return
        self.folder.mkdir(exist_ok=True)
        # Any: numpy's stub takes the names of arrays for its own options.
        arrays: dict[str, Any] = {
            f"{metric}/{name}": np.concatenate([part[name] for part in parts])
            for metric, parts in pending.parts.items()
            for name in parts[0]
        }
        with atomic_write(self._path(cell.cell_id, shard_stem(batches, rank))) as file:
            np.savez(file, **arrays)

    def prepare(self, cell: Cell, batches: int) -> None:
        """Before a cell is measured: remove a record that some batches are missing from, and shards without features.

        Args:
            cell: the cell.
            batches: the number of its batches.
        """
        if not corpus_metrics(cell):
            return
        remove_partial(self.folder)
        done = self.store.done(cell.cell_id)
        if CORPUS_BATCH in done and set(range(batches)) <= done:
            return
        for shard in self.store.paths(cell.cell_id):
            stem = shard.name.removeprefix(f"{cell.cell_id}.").removesuffix(".parquet")
            if stem == shard_stem([CORPUS_BATCH]) or (
                stem[0].isdigit() and not self._path(cell.cell_id, stem).exists()
            ):
                shard.unlink()

    def finish(self, cell: Cell) -> Observations:
        """Compute and write the records of a complete cell, unless they are on disk; the observations written."""
        observations = Observations()
        metrics = corpus_metrics(cell)
        record = f"{cell.cell_id}.{shard_stem([CORPUS_BATCH])}.parquet"
        if not metrics or record in {path.name for path in self.store.paths(cell.cell_id)}:
            return observations
        for position, metric in metrics.items():
            _add_record(observations, cell.cell_id, metric, partial(self._read, cell, position))
        self.store.write(cell.cell_id, observations, [CORPUS_BATCH])
        if not self.store.has_failed(cell.cell_id):
            for path in self.folder.glob(f"{cell.cell_id}.*.npz"):
                path.unlink()
            if not any(self.folder.iterdir()):
                self.folder.rmdir()
        return observations

    def _path(self, cell: str, stem: str) -> Path:
        return self.folder / f"{cell}.{stem}.npz"

    def _read(self, cell: Cell, metric: int) -> dict[str, NDArray[Any]]:
        """The features of one metric over all batches, in the order of the batches; empty without any."""
        parts: list[dict[str, NDArray[Any]]] = []
        for shard in self.store.paths(cell.cell_id):
            stem = shard.name.removeprefix(f"{cell.cell_id}.").removesuffix(".parquet")
            if stem[0].isdigit():
                with np.load(self._path(cell.cell_id, stem)) as arrays:
                    prefix = f"{metric}/"
                    parts.append(
                        {
                            name.removeprefix(prefix): arrays[name]
                            for name in arrays.files
                            if name.startswith(prefix)
                        }
                    )
        parts = [part for part in parts if part]
        if not parts:
            return {}
        whole = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        order = np.argsort(whole["batch"], kind="stable")
        return {name: values[order] for name, values in whole.items()}


def corpus_metrics(cell: Cell) -> dict[int, Component]:
    """The corpus metrics of a cell by their position in ``Cell.metrics``."""
    return {
        position: metric
        for position, metric in enumerate(cell.metrics)
        if isinstance(metric.instance, CorpusMetric)
    }


def stored_values(metric: CorpusMetric, features: dict[str, NDArray[Any]]) -> StoredValues:
    """The value of a corpus metric with its values over resampled subjects.

    The subjects are resampled with replacement, the same way for every model. Resampled values are shifted so that
    their mean is the value: a distance of distributions is biased upwards on a finite sample, and again on a resample
    of it, and the interval shall state the spread, not that bias.

    Args:
        metric: the metric.
        features: ``values.<name>`` (N, D), ``subject`` (N,).

    Raises:
        Unavailable: no sample counts, or the metric has no value on these.
    """
    if not features:
        raise Unavailable("no sample counts")
    values = {name.removeprefix("values."): array for name, array in features.items() if "values." in name}
    subjects, number = np.unique(features["subject"], return_inverse=True)
    samples, people = len(number), len(subjects)
    draws = 0 if people < 2 else DRAWS if samples <= MANY_SAMPLES else FEW_DRAWS
    rng = np.random.default_rng(0)
    drawn = rng.multinomial(people, np.full(people, 1 / people), size=draws)[:, number]
    weights = np.concatenate([np.ones((1, samples), np.int64), drawn.astype(np.int64)])
    found = np.asarray(list(metric.compute(values, weights.copy())), np.float64)
    if found.shape != (1 + draws,):
        raise ValueError(f"compute must return {1 + draws} values, but it returned {found.shape}")
    if not np.isfinite(found[0]):
        raise Unavailable("the value is NaN or Inf")
    known = found[1:] if np.isfinite(found[1:]).all() else np.zeros(0)
    centred = known - known.mean() + found[0] if len(known) else known
    return StoredValues(float(found[0]), samples, people, centred)


def _add_record(
    observations: Observations,
    cell: str,
    metric: Component,
    read: Callable[[], dict[str, NDArray[Any]]],
) -> None:
    """Append the record of one metric, or why it has none."""
    info: MetricInfo = metric.info
    common: dict[str, Any] = {
        "cell": cell,
        "batch": CORPUS_BATCH,
        "subject": FEATURES,
        "metric": str(metric.name),
        "observation": info.summaries[0].name,
    }
    try:
        features = read()
        with component_call(metric.label):
            numbers = stored_values(metric.instance, features).numbers()
    except Exception as error:
        reason, status = describe_error(error), status_of(error)
        observations.add(**common, position=0, sample_id=FEATURES, status=status, reason=reason)
        return
    # Only records over the same samples are compared.
    over = fingerprint(*features["sample_id"].tolist())[:8]
    for position, value in enumerate(numbers):
        sample_id = f"{FEATURES}-{over}-{position:04d}"
        observations.add(**common, position=position, sample_id=sample_id, value=value)
