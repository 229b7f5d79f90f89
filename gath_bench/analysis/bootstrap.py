"""95 % intervals by the bootstrap over subjects: samples of one person are not independent.

Bias-corrected and accelerated (BCa, Efron 1987), with the acceleration from leaving out one subject at a
time. A plain percentile interval over 20 subjects covers about 90 % instead of 95 %.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from gath_bench.analysis.reducers import Array, Reducer

#: Resamples; the Monte Carlo error of an end point is then about a fortieth of the interval's length.
RESAMPLES = 2000
#: Resamples of a direct reducer, which has to sort each of them.
DIRECT_RESAMPLES = 400
#: Below so many subjects the interval is marked: it is too short more often than it says.
FEW_SUBJECTS = 20
_CONFIDENCE = 0.95


@dataclass(frozen=True)
class Estimate:
    """A value with its interval.

    Attributes:
        value: the reducer over all samples; None where it is undefined.
        low: lower end of the 95 % interval; None with fewer than two subjects.
        high: upper end.
        few_subjects: whether the interval rests on fewer than ``FEW_SUBJECTS`` subjects.
    """

    value: float | None
    low: float | None
    high: float | None
    few_subjects: bool


def estimate(
    reducer: Reducer, groups: list[tuple[Array, ...]], subjects: list[NDArray[np.int64]]
) -> Estimate:
    """A reducer's value, averaged over groups (AUs), and its interval.

    Args:
        reducer: the reducer.
        groups: for each group the reducer's inputs, each (N_g,).
        subjects: for each group the subject numbers, (N_g,), shared between the groups.
    """
    count = 1 + max((int(numbers.max()) for numbers in subjects if len(numbers)), default=-1)
    value = _average([reducer(*inputs) for inputs in groups])
    present = len(np.unique(np.concatenate(subjects))) if subjects else 0
    few = present < FEW_SUBJECTS
    if not np.isfinite(value):
        return Estimate(None, None, None, few)
    if present < 2:
        return Estimate(float(value), None, None, few)
    if reducer.direct is not None:
        resampled = np.stack([_direct(reducer, inputs[0]) for inputs in groups])
        left_out = None
    else:
        sums = [
            _subject_sums(reducer, inputs, numbers, count)
            for inputs, numbers in zip(groups, subjects, strict=True)
        ]
        assert reducer.finish is not None
        weights = _weights(count)
        resampled = np.stack([reducer.finish(weights @ part) for part in sums])
        left_out = _average_over(np.stack([reducer.finish(part.sum(0) - part) for part in sums]))
    low, high = bca_interval(float(value), _average_over(resampled), left_out)
    return Estimate(float(value), low, high, few)


def bca_interval(value: float, resampled: Array, left_out: Array | None) -> tuple[float | None, float | None]:
    """The BCa interval of a value.

    Args:
        value: the value over all subjects.
        resampled: (R,) values over resampled subjects; NaN where undefined.
        left_out: (S,) values with one subject left out each; None for no acceleration.
    """
    drawn = resampled[np.isfinite(resampled)]
    if len(drawn) == 0:
        return None, None
    normal = NormalDist()
    # Ties (a constant metric, an oracle) count half, so that a constant's interval is itself.
    below = (np.sum(drawn < value) + 0.5 * np.sum(drawn == value)) / len(drawn)
    bias = normal.inv_cdf(float(np.clip(below, 1 / (len(drawn) + 1), len(drawn) / (len(drawn) + 1))))
    skew = 0.0 if left_out is None else _acceleration(left_out)
    ends = []
    for tail in ((1 - _CONFIDENCE) / 2, (1 + _CONFIDENCE) / 2):
        z = bias + normal.inv_cdf(tail)
        ends.append(float(np.quantile(drawn, normal.cdf(bias + z / (1 - skew * z)))))
    return ends[0], ends[1]


def _acceleration(left_out: Array) -> float:
    known = left_out[np.isfinite(left_out)]
    pull = known.mean() - known if len(known) else known
    spread = float((pull**2).sum())
    return float((pull**3).sum()) / (6 * spread**1.5) if spread > 1e-24 else 0.0


def _subject_sums(
    reducer: Reducer, inputs: tuple[Array, ...], subjects: NDArray[np.int64], count: int
) -> Array:
    """(count, M): the moments of each subject's samples, summed."""
    assert reducer.moments is not None
    moments = reducer.moments(*inputs)
    return np.stack([np.bincount(subjects, weights=column, minlength=count) for column in moments.T], axis=-1)


@lru_cache(maxsize=8)
def _weights(count: int) -> Array:
    """(R, count): how often each resample draws each subject; the same for every metric on the same subjects."""
    rng = np.random.default_rng(0)
    return rng.multinomial(count, np.full(count, 1 / count), size=RESAMPLES).astype(np.float64)


def _direct(reducer: Reducer, values: Array) -> Array:
    """The reducer on resampled repeats; percentiles are no function of sums, and such groups are small."""
    assert reducer.direct is not None
    rng = np.random.default_rng(0)
    return reducer.direct(values[rng.integers(len(values), size=(DIRECT_RESAMPLES, len(values)))])


def _average(values: list[float]) -> float:
    """The mean over the groups where the value is defined."""
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else float("nan")


def _average_over(groups: Array) -> Array:
    """The same, column by column."""
    known = np.isfinite(groups)
    count = known.sum(0)
    return np.where(count > 0, np.where(known, groups, 0).sum(0) / np.maximum(count, 1), np.nan)
