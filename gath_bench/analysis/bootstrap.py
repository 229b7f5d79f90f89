"""95 % confidence intervals by the bootstrap over subjects, since samples of one person are not independent.

Bias-corrected and accelerated (BCa, Efron 1987), with the acceleration from leaving out one subject at a
time, and expanded to Student's quantiles (Hesterberg 2015, "What Teachers Should Know About the Bootstrap"),
since resampling n subjects underestimates the variance by (n - 1) / n. Measured on the mean over 20 subjects with four
samples each (1,000 simulated data sets): the interval covers 94 % for normal values and 92 % for exponential
ones; without the expansion it would be 92 % and 90 %.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from gath_bench.analysis.quantiles import quantile, quantile_of_counts, sorted_quantile
from gath_bench.analysis.reducers import REDUCERS, Array, Reducer
from gath_bench.analysis.rounding import PRECISION, exact_product
from gath_bench.results.corpus import StoredValues

#: Resamples; the Monte Carlo error of an end point is then about a fortieth of the interval's length.
RESAMPLES = 2000
#: Below this many subjects an interval is marked: it covers the true value less often than 95 %.
FEW_SUBJECTS = 20
#: More subjects than this are resampled in bundles. The interval's length is then off by about 2 %, and resampling
#: 20,000 subjects takes no longer than 2,000.
MAX_UNITS = 2000
_CONFIDENCE = 0.95
#: Numbers held in memory at a time.
_CHUNK = 1 << 22
#: Numbers that fit into the cache of a core.
_CACHED = 1 << 15


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


@dataclass(frozen=True)
class Resampled:
    """A reducer's value and its values over resampled subjects.

    Attributes:
        value: over all samples; NaN where it is undefined.
        draws: (R,) values over resampled subjects; empty with fewer than two subjects.
        left_out: (U,) values with one unit of subjects left out each; None if there is no jackknife.
        subjects: how many subjects have a value.
        magnitude: size of the numbers that the value was computed from; rounding is relative to it.
    """

    value: float
    draws: Array
    left_out: Array | None
    subjects: int
    magnitude: float


def estimate(
    reducer: Reducer, groups: list[tuple[Array, ...]], subjects: list[NDArray[np.int64]]
) -> Estimate:
    """A reducer's value, averaged over groups (AUs), and its interval.

    Args:
        reducer: the reducer.
        groups: for each group the reducer's inputs, each (N_g,).
        subjects: for each group the subject numbers, (N_g,), shared between the groups.
    """
    return interval(resample(reducer, groups, subjects))


def contrast(combine: Callable[..., Array], *parts: Resampled, magnitude: float | None = None) -> Estimate:
    """A function of several values of the same subjects, with its interval.

    An end of the interval that is 0 up to rounding is 0, so that its sign can be tested.

    Args:
        combine: values, each (...), -> (...); NaN where it is undefined.
        parts: its arguments, each resampled with the same subjects and the same seed.
        magnitude: size of the numbers that rounding is relative to; None for the largest of the parts.
    """
    if magnitude is None:
        magnitude = max(part.magnitude for part in parts)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = float(combine(*(np.asarray(part.value) for part in parts)))
        drawn = all(len(part.draws) for part in parts)
        draws = combine(*(part.draws for part in parts)) if drawn else np.zeros(0)
        left_out = [part.left_out for part in parts if part.left_out is not None]
        jackknife = combine(*left_out) if len(left_out) == len(parts) else None
    found = interval(Resampled(value, draws, jackknife, min(part.subjects for part in parts), magnitude))
    low, high = (
        0.0 if end is not None and abs(end) <= PRECISION * magnitude else end
        for end in (found.low, found.high)
    )
    return replace(found, low=low, high=high)


def interval(resampled: Resampled) -> Estimate:
    """The value with the 95 % interval that its resamples give."""
    few = resampled.subjects < FEW_SUBJECTS
    if not np.isfinite(resampled.value):
        return Estimate(None, None, None, few)
    if resampled.subjects < 2:
        return Estimate(resampled.value, None, None, few)
    low, high = bca_interval(resampled)
    return Estimate(resampled.value, low, high, few)


def resample(
    reducer: Reducer,
    groups: list[tuple[Array, ...]],
    subjects: list[NDArray[np.int64]],
    *,
    count: int | None = None,
    seed: int = 0,
) -> Resampled:
    """A reducer's value, averaged over groups (AUs), over all subjects and over resampled ones.

    Args:
        reducer: the reducer.
        groups: for each group the reducer's inputs, each (N_g,).
        subjects: for each group the subject numbers, (N_g,), shared between the groups, and between values
            that are compared.
        count: the number of subjects; None for the highest subject number plus one.
        seed: of the resampling; use different seeds for independent draws.
    """
    if reducer.stored:
        return _stored(StoredValues.read(groups[0][0]) if groups else None)
    if reducer.grouped is not None:
        groups, subjects = by_subject(reducer.grouped, groups, subjects)
        reducer = REDUCERS["mean"]
    value = _average([reducer(*inputs) for inputs in groups])
    if count is None:
        count = 1 + max((int(numbers.max()) for numbers in subjects if len(numbers)), default=-1)
    present = np.zeros(count, bool)
    for numbers in subjects:
        present[numbers] = True
    if not np.isfinite(value) or present.sum() < 2:
        return Resampled(value, np.zeros(0), None, int(present.sum()), abs(value))
    subjects, units = in_units(subjects, count)
    if reducer.direct is not None:
        pairs = zip(groups, subjects, strict=True)
        drawn = np.stack([_direct(reducer, inputs[0], numbers, units, seed) for inputs, numbers in pairs])
        draws = _average_over(drawn)
        return Resampled(value, draws, None, int(present.sum()), _magnitude(value, draws))
    assert reducer.finish is not None
    sums = [
        subject_sums(reducer, inputs, numbers, units)
        for inputs, numbers in zip(groups, subjects, strict=True)
    ]
    weights = _weights(units, seed)
    width = sums[0].shape[1]
    together = _weighted(weights, np.concatenate(sums, axis=1))
    drawn = np.stack(
        [reducer.finish(together[:, at : at + width]) for at in range(0, together.shape[1], width)]
    )
    left_out = np.stack([reducer.finish(part.sum(0) - part) for part in sums])
    draws = _average_over(drawn)
    return Resampled(value, draws, _average_over(left_out), int(present.sum()), _magnitude(value, draws))


def _stored(record: StoredValues | None) -> Resampled:
    """The values that the engine stored; it resampled the same subjects for every model."""
    if record is None:
        return Resampled(float("nan"), np.zeros(0), None, 0, 0.0)
    magnitude = _magnitude(record.value, record.draws)
    return Resampled(record.value, record.draws, None, record.subjects, magnitude)


def in_units(subjects: list[NDArray[np.int64]], count: int) -> tuple[list[NDArray[np.int64]], int]:
    """The resampling unit of each subject, and the number of units: subjects, or bundles if there are too many."""
    if count <= MAX_UNITS:
        return subjects, count
    return [numbers % MAX_UNITS for numbers in subjects], MAX_UNITS


def by_subject(
    function: Callable[..., float], groups: list[tuple[Array, ...]], subjects: list[NDArray[np.int64]]
) -> tuple[list[tuple[Array, ...]], list[NDArray[np.int64]]]:
    """For each group the value over each subject's samples and the subjects, without undefined values."""
    pairs = [_by_subject(function, inputs, numbers) for inputs, numbers in zip(groups, subjects, strict=True)]
    return [(values,) for values, _ in pairs], [who for _, who in pairs]


def _by_subject(
    function: Callable[..., float], inputs: tuple[Array, ...], subjects: NDArray[np.int64]
) -> tuple[Array, NDArray[np.int64]]:
    """The value over each subject's samples and the subjects, without undefined values."""
    who = np.flatnonzero(np.bincount(subjects))
    values = np.array([function(*(values[subjects == one] for values in inputs)) for one in who])
    known = np.isfinite(values)
    return values[known], who[known]


def bca_interval(resampled: Resampled) -> tuple[float | None, float | None]:
    """The BCa interval of a value, expanded for few subjects; None for both ends where no draw is defined."""
    value, magnitude = resampled.value, resampled.magnitude
    drawn = np.sort(resampled.draws[np.isfinite(resampled.draws)])
    if len(drawn) == 0:
        return None, None
    normal = NormalDist()
    # Ties (a constant metric, an oracle) count half, so that the interval of a constant is that constant.
    margin = PRECISION * magnitude
    below = int(np.searchsorted(drawn, value - margin, "left"))
    not_above = int(np.searchsorted(drawn, value + margin, "right"))
    share = (below + not_above) / (2 * len(drawn))
    bias = normal.inv_cdf(float(np.clip(share, 1 / (len(drawn) + 1), len(drawn) / (len(drawn) + 1))))
    skew = 0.0 if resampled.left_out is None else _acceleration(resampled.left_out, magnitude)
    reach = expanded_reach(resampled.subjects)
    shares = [normal.cdf(bias + z / (1 - skew * z)) for z in (bias - reach, bias + reach)]
    low, high = sorted_quantile(drawn, shares)
    return float(low), float(high)


def expanded_reach(count: int) -> float:
    """The half-width of the interval in standard normal deviations, expanded for few subjects.

    ``sqrt(n / (n - 1)) t``, with Student's quantile at ``n - 1`` degrees of freedom by its expansion in
    1 / (n - 1) (Abramowitz & Stegun 26.7.5; within 0.1 % from 5 subjects on).

    >>> round(expanded_reach(20), 3), round(expanded_reach(10_000), 3)
    (2.147, 1.96)
    """
    z, freedom = NormalDist().inv_cdf((1 + _CONFIDENCE) / 2), count - 1
    student = (
        z
        + (z**3 + z) / (4 * freedom)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * freedom**3)
    )
    return float(student * (count / freedom) ** 0.5)


def _acceleration(left_out: Array, magnitude: float) -> float:
    known = left_out[np.isfinite(left_out)]
    if not len(known):
        return 0.0
    pull: Array = known.mean() - known
    spread = float((pull**2).sum())
    # Leaving out one of n subjects moves a value by about 1 / n of what that subject differs by.
    if math.sqrt(spread) <= PRECISION * magnitude / len(known):
        return 0.0
    return float((pull**3).sum() / (6 * spread**1.5))


def _magnitude(value: float, draws: Array) -> float:
    """The size of a value and of its resamples, without the few resamples that are nearly undefined (0 / 0)."""
    known = np.abs(draws[np.isfinite(draws)])
    return float(max(abs(value), quantile(known, _CONFIDENCE) if len(known) else 0.0))


def subject_sums(
    reducer: Reducer, inputs: tuple[Array, ...], subjects: NDArray[np.int64], count: int
) -> Array:
    """(count, M): the moments of each subject's samples, summed."""
    assert reducer.moments is not None
    moments = reducer.moments(*inputs)
    return np.stack([np.bincount(subjects, weights=column, minlength=count) for column in moments.T], axis=-1)


@lru_cache(maxsize=4)
def _weights(count: int, seed: int) -> NDArray[np.uint16]:
    """(R, count): how often each resample draws each subject; equal for every metric on the same subjects."""
    rng = np.random.default_rng(seed)
    chances = np.full(count, 1 / count)
    weights = np.empty((RESAMPLES, count), np.uint16)
    for rows in _slices(count):
        weights[rows] = rng.multinomial(count, chances, size=len(weights[rows]))
    return weights


def _picked(count: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """(R, count) in chunks: which subjects each resample draws, in the order of the draws."""
    rng = np.random.default_rng(seed)
    for rows in _slices(count):
        yield rng.integers(count, size=(rows.stop - rows.start, count))


@lru_cache(maxsize=4)
def _redrawn(count: int, seed: int) -> NDArray[np.uint16]:
    """(count, R): how often the resamples of ``_picked`` draw each subject."""
    counts = []
    together = max(1, _CACHED // count)
    for picked in _picked(count, seed):
        for start in range(0, len(picked), together):
            rows = picked[start : start + together]
            flat = (rows + count * np.arange(len(rows))[:, None]).ravel()
            counts.append(np.bincount(flat, minlength=rows.size).astype(np.uint16).reshape(rows.shape))
    return np.ascontiguousarray(np.concatenate(counts).T)


def _weighted(weights: NDArray[np.uint16], sums: Array) -> Array:
    """``weights @ sums``, in chunks: with many subjects all resamples would not fit in memory."""
    return np.concatenate([exact_product(weights[rows], sums, len(sums)) for rows in _slices(len(sums))])


def _slices(count: int) -> list[slice]:
    step = max(1, _CHUNK // max(count, 1))
    return [slice(start, min(start + step, RESAMPLES)) for start in range(0, RESAMPLES, step)]


def _direct(reducer: Reducer, values: Array, subjects: NDArray[np.int64], count: int, seed: int) -> Array:
    """The reducer over the samples of resampled subjects, for reducers that are not functions of sums."""
    assert reducer.direct is not None
    # One value per subject, such as the repeats of a system metric: all resamples have the same length.
    single = len(values) == count == np.count_nonzero(np.bincount(subjects, minlength=count))
    if reducer.quantile is not None:
        order = np.argsort(values)
        counts = _redrawn(count, seed) if single else _weights(count, seed).T
        parts = [
            quantile_of_counts(values[order], counts[subjects[order], rows], reducer.quantile)
            for rows in _slices(len(values))
        ]
        return np.concatenate(parts)
    if single:
        ordered = values[np.argsort(subjects)]
        return np.concatenate([reducer.direct(ordered[picked]) for picked in _picked(count, seed)])
    drawn = np.full(RESAMPLES, np.nan)
    for number, weights in enumerate(_weights(count, seed)):
        resample = np.repeat(values, weights[subjects])
        if len(resample):
            drawn[number] = reducer.direct(resample)
    return drawn


def _average(values: list[float]) -> float:
    """The mean over the groups where the value is defined."""
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else float("nan")


def _average_over(groups: Array) -> Array:
    """``_average`` for each column of (groups, R)."""
    known = np.isfinite(groups)
    count = known.sum(0)
    return np.where(count > 0, np.where(known, groups, 0).sum(0) / np.maximum(count, 1), np.nan)
