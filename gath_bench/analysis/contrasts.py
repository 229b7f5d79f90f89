"""Several models on the samples that all of them have: differences, tests and gains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from gath_bench.analysis.bootstrap import Estimate, Resampled, contrast, resample
from gath_bench.analysis.frame import Frame, Observed, flags, on_common, renumbered
from gath_bench.analysis.reducers import REDUCERS, Array
from gath_bench.analysis.rounding import difference
from gath_bench.analysis.significance import exchange_test
from gath_bench.contracts.metric import Summary
from gath_bench.results.manifest import CellRecord, MetricRecord


@dataclass(frozen=True)
class Measurement:
    """One summary in one cell: what it was, and the observations it rests on."""

    cell: CellRecord
    metric: MetricRecord
    summary: Summary
    observed: Observed


@dataclass(frozen=True)
class Paired:
    """Two models on their common samples.

    Attributes:
        first, second: their values there; None where undefined.
        difference: second - first, with its interval.
        p_value: two-sided, uncorrected; None for a system metric and where the difference is undefined.
        n: common samples (the fewer repeats, for a system metric).
        subjects: how many subjects these are of (0 for a system metric).
    """

    first: float | None
    second: float | None
    difference: Estimate
    p_value: float | None
    n: int
    subjects: int


class Contrasts:
    """Compares measurements of one frame, resampling none of them twice on the same samples."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._resampled: dict[tuple[str, str, int], Resampled] = {}

    def paired(self, first: Measurement, second: Measurement) -> Paired:
        """The difference second - first, with its interval and test.

        Repeats of a system metric are no pairs and are resampled on their own; and since those of one session
        say nothing of another, they are not tested.
        """
        if first.metric.system:
            values = [_alone(one, seed) for seed, one in enumerate((first, second))]
            apart = contrast(difference, *reversed(values))
            counts = [_samples(one.observed) for one in (first, second)]
            return Paired(_known(values[0]), _known(values[1]), apart, None, min(counts), 0)
        observed = self._common((first, second))
        if not observed[0].aus or not any(len(samples) for samples in observed[0].samples):
            return Paired(None, None, Estimate(None, None, None, True), None, 0, 0)
        subjects, count = renumbered(observed[0].subjects)
        one, other = (self._resample(m, o) for m, o in zip((first, second), observed, strict=True))
        chance = exchange_test(
            REDUCERS[first.summary.reducer], observed[0].inputs, observed[1].inputs, subjects, count
        )
        return Paired(
            _known(one), _known(other), contrast(difference, other, one), chance, _samples(observed[0]), count
        )

    def gain(self, model: Measurement, copy_source: Measurement, oracle: Measurement) -> Estimate:
        """(copy-source - model) / (copy-source - oracle) on their common samples.

        It is undefined where the oracle is not clearly better than copy-source: at 97.5 % of the resamples.
        """
        nothing = Estimate(None, None, None, True)
        measured = (copy_source, model, oracle)
        observed = self._common(measured)
        if not observed[0].aus or not any(len(samples) for samples in observed[0].samples):
            return nothing
        copied, edited, perfect = (self._resample(m, o) for m, o in zip(measured, observed, strict=True))
        sign = 1 if model.summary.direction == "lower" else -1
        room = sign * difference(copied.value, perfect.value)
        shares = sign * difference(copied.draws, perfect.draws) > 0
        if not room > 0 or (len(shares) and shares.mean() < 0.975):
            return nothing
        # A gain has no unit: 1 is the whole way from copy-source to oracle.
        return contrast(_gain, copied, edited, perfect, magnitude=1.0)

    def _common(self, measured: Sequence[Measurement]) -> list[Observed]:
        return on_common([(one.observed, self._frame.sample_names(one.cell.cell_id)) for one in measured])

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
    return replace(alone, left_out=None)  # leaving one out of either is no leaving one out of both


def _samples(observed: Observed) -> int:
    """How many samples there are, in whatever AU; in one AU each is there once."""
    if len(observed.samples) < 2:
        return sum(map(len, observed.samples))
    whole = np.concatenate(observed.samples)
    return int(flags(whole, int(whole.max(initial=-1)) + 1).sum())


def _known(resampled: Resampled) -> float | None:
    return float(resampled.value) if np.isfinite(resampled.value) else None


def _gain(copied: Array, edited: Array, perfect: Array) -> Array:
    room = difference(copied, perfect)
    return np.where(room != 0, difference(copied, edited) / np.where(room != 0, room, 1), np.nan)
