"""Comparisons of models on their common samples: differences, tests and gains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from gath_bench.analysis.bootstrap import Estimate, Resampled, contrast, resample
from gath_bench.analysis.observation_table import ObservationTable, Observed, flags, on_common, renumbered
from gath_bench.analysis.reducers import REDUCERS, Array
from gath_bench.analysis.rounding import difference
from gath_bench.analysis.significance import exchange_test
from gath_bench.contracts.metric import Summary
from gath_bench.results.corpus import StoredValues
from gath_bench.results.manifest import CellRecord, MetricRecord


@dataclass(frozen=True)
class Measurement:
    """One summary in one cell, and the observations that it is computed from."""

    cell: CellRecord
    metric: MetricRecord
    summary: Summary
    observed: Observed


@dataclass(frozen=True)
class PairedValues:
    """The values of two models on their common samples.

    Attributes:
        first, second: their values there; None where undefined.
        difference: second - first, with its interval.
        p_value: two-sided, uncorrected; None for system and corpus metrics and where the difference is undefined.
        n: common samples (the fewer repeats, for a system metric).
        subjects: the number of subjects of these samples (0 for a system metric).
    """

    first: float | None
    second: float | None
    difference: Estimate
    p_value: float | None
    n: int
    subjects: int


class Contrasts:
    """Compares measurements of one observation table; caches the resampled values."""

    def __init__(self, observations: ObservationTable) -> None:
        self._observations = observations
        self._resampled: dict[tuple[str, str, int], Resampled] = {}

    def paired(self, first: Measurement, second: Measurement) -> PairedValues:
        """The difference second - first, with its interval and test.

        Repeats of a system metric are not paired and are resampled independently. They are not tested, since
        repeats within one session do not measure the variation between sessions.
        """
        if first.metric.system:
            values = [_alone(one, seed) for seed, one in enumerate((first, second))]
            apart = contrast(difference, *reversed(values))
            counts = [_samples(one.observed) for one in (first, second)]
            return PairedValues(_known(values[0]), _known(values[1]), apart, None, min(counts), 0)
        observed = self._common((first, second))
        if not observed[0].aus or not any(len(samples) for samples in observed[0].samples):
            return PairedValues(None, None, Estimate(None, None, None, True), None, 0, 0)
        record = StoredValues.read(observed[0].inputs[0][0])
        if REDUCERS[first.summary.reducer].stored and record is not None:
            # Tested by its interval: samples cannot be exchanged between models without their features.
            one, other = (self._resample(m, o) for m, o in zip((first, second), observed, strict=True))
            apart = contrast(difference, other, one)
            return PairedValues(_known(one), _known(other), apart, None, record.samples, record.subjects)
        subjects, count = renumbered(observed[0].subjects)
        one, other = (self._resample(m, o) for m, o in zip((first, second), observed, strict=True))
        p_value = exchange_test(
            REDUCERS[first.summary.reducer], observed[0].inputs, observed[1].inputs, subjects, count
        )
        return PairedValues(
            _known(one),
            _known(other),
            contrast(difference, other, one),
            p_value,
            _samples(observed[0]),
            count,
        )

    def gain(self, model: Measurement, copy_source: Measurement, oracle: Measurement) -> Estimate:
        """(copy-source - model) / (copy-source - oracle) on their common samples.

        It is undefined unless the oracle is better than copy-source in at least 97.5 % of the resamples.
        """
        undefined = Estimate(None, None, None, True)
        measured = (copy_source, model, oracle)
        observed = self._common(measured)
        if not observed[0].aus or not any(len(samples) for samples in observed[0].samples):
            return undefined
        copied, edited, perfect = (self._resample(m, o) for m, o in zip(measured, observed, strict=True))
        sign = 1 if model.summary.direction == "lower" else -1
        room = sign * difference(copied.value, perfect.value)
        shares = sign * difference(copied.draws, perfect.draws) > 0
        if not room > 0 or (len(shares) and shares.mean() < 0.975):
            return undefined
        # A gain has no unit: 1 is the whole way from copy-source to oracle.
        return contrast(_gain, copied, edited, perfect, magnitude=1.0)

    def _common(self, measured: Sequence[Measurement]) -> list[Observed]:
        return on_common(
            [(one.observed, self._observations.sample_names(one.cell.cell_id)) for one in measured]
        )

    def _resample(self, measured: Measurement, observed: Observed) -> Resampled:
        samples = hash(tuple(part.tobytes() for part in observed.samples))
        name = measured.cell.cell_id, f"{measured.metric.name}/{measured.summary.name}", samples
        if name not in self._resampled:
            subjects, count = renumbered(observed.subjects)
            self._resampled[name] = resample(
                REDUCERS[measured.summary.reducer], observed.inputs, subjects, count=count
            )
        return self._resampled[name]


def _alone(measured: Measurement, seed: int) -> Resampled:
    subjects, count = renumbered(measured.observed.subjects)
    reducer = REDUCERS[measured.summary.reducer]
    alone = resample(reducer, measured.observed.inputs, subjects, count=count, seed=seed)
    return replace(alone, left_out=None)  # the two jackknives are not of the same units


def _samples(observed: Observed) -> int:
    """The number of distinct samples over all AUs."""
    if len(observed.samples) < 2:
        return sum(map(len, observed.samples))
    whole = np.concatenate(observed.samples)
    return int(flags(whole, int(whole.max(initial=-1)) + 1).sum())


def _known(resampled: Resampled) -> float | None:
    return float(resampled.value) if np.isfinite(resampled.value) else None


def _gain(copied: Array, edited: Array, perfect: Array) -> Array:
    room = difference(copied, perfect)
    return np.where(room != 0, difference(copied, edited) / np.where(room != 0, room, 1), np.nan)
