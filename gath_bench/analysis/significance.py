"""Significance of the difference between two models: a permutation test over subjects, and Holm's correction.

Under the null hypothesis the two models are exchangeable for each subject. The test exchanges their samples subject
by subject (all samples of a subject together, since they are not independent) and counts how often the difference
is at least as large as the observed one (Fisher 1935; Ernst 2004, "Permutation Methods"). It does not assume
normality and takes any reducer, since the sums over a subject's samples are exchanged. For a mean with equally
many samples per subject it is the sign-flip test on the subjects' mean differences. Wilcoxon's test would test
ranks of subjects and not the difference that the tables print.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gath_bench.analysis.bootstrap import by_subject, in_units, subject_sums
from gath_bench.analysis.reducers import REDUCERS, Array, Reducer
from gath_bench.analysis.rounding import PRECISION, exact_product
from gath_bench.results.columns import Codes

#: Up to this many subjects all exchanges are evaluated, and the test is exact.
EXACT_SUBJECTS = 13
#: Random exchanges with more subjects; the smallest p is then 1 / 2,000.
EXCHANGES = 1_999
#: The same for a direct reducer, which sorts the samples of each exchange.
DIRECT_EXCHANGES = 999
#: Significance level.
LEVEL = 0.05
#: Numbers held in memory at a time.
_CHUNK = 1 << 22


def exchange_test(
    reducer: Reducer,
    first: list[tuple[Array, ...]],
    second: list[tuple[Array, ...]],
    subjects: list[Codes],
    count: int,
) -> float | None:
    """The two-sided p value of the difference between two models on the same samples.

    Args:
        reducer: the compared statistic, averaged over groups (AUs).
        first, second: for each group the reducer's inputs of each model, each (N_g,), with the samples in one order.
        subjects: for each group the subject numbers, (N_g,), shared between the groups.
        count: the number of subjects.

    Returns:
        p in (0, 1], or None where the difference is undefined.
    """
    if reducer.direct is not None:
        return _direct_test(reducer, first, second, subjects, count)
    both = [first, second]
    who = [subjects, subjects]
    if reducer.grouped is not None:
        made = [by_subject(reducer.grouped, groups, subjects) for groups in both]
        both, who = [groups for groups, _ in made], [numbers for _, numbers in made]
        reducer = REDUCERS["mean"]
    assert reducer.finish is not None
    sums = []
    for groups, numbers in zip(both, who, strict=True):
        numbers, units = in_units(numbers, count)
        sums.append(
            [subject_sums(reducer, inputs, who_, units) for inputs, who_ in zip(groups, numbers, strict=True)]
        )
    one, other = (np.concatenate(part, axis=1) for part in sums)
    present = (one != 0).any(1) | (other != 0).any(1)
    one, other = one[present], other[present]
    kept = _exchanges(len(one), EXCHANGES)
    total, moved = one.sum(0) + other.sum(0), one - other
    differences = []
    for rows in _slices(len(kept), max(len(one), one.shape[1])):
        mine = other.sum(0) + exact_product(kept[rows], moved, len(moved))
        differences.append(_value(reducer, mine, len(first)) - _value(reducer, total - mine, len(first)))
    seen = _value(reducer, one.sum(0), len(first)) - _value(reducer, other.sum(0), len(first))
    scale = np.abs([_value(reducer, one.sum(0), len(first)), _value(reducer, other.sum(0), len(first))]).max()
    return _p(float(seen), np.concatenate(differences), float(scale), exact=len(one) <= EXACT_SUBJECTS)


def holm(chances: Sequence[float]) -> list[float]:
    """p values corrected for multiple comparisons (Holm 1979), in the given order.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    order = sorted(range(len(chances)), key=chances.__getitem__)
    corrected = [0.0] * len(chances)
    highest = 0.0
    for rank, number in enumerate(order):
        highest = max(highest, min(1.0, (len(chances) - rank) * chances[number]))
        corrected[number] = highest
    return corrected


def _value(reducer: Reducer, sums: Array, groups: int) -> Array:
    """Sums (..., groups x M) -> the reducer, averaged over the groups where it is defined, (...)."""
    assert reducer.finish is not None
    values = reducer.finish(sums.reshape(*sums.shape[:-1], groups, -1))
    known = np.isfinite(values)
    many = known.sum(-1)
    return np.where(many > 0, np.where(known, values, 0).sum(-1) / np.maximum(many, 1), np.nan)


def _p(seen: float, differences: Array, scale: float, *, exact: bool) -> float | None:
    if not np.isfinite(seen):
        return None
    # A difference that is smaller by rounding alone is as large. An exchange without a value counts as a hit.
    reached = ~(np.abs(differences) < abs(seen) - PRECISION * max(scale, abs(seen)))
    hits, tried = int(reached.sum()), len(differences)
    return hits / tried if exact else (1 + hits) / (1 + tried)


@lru_cache(maxsize=4)
def _exchanges(count: int, draws: int) -> NDArray[np.bool_]:
    """(P, count): which subjects keep their models; all possibilities where there are few."""
    if count <= EXACT_SUBJECTS:
        numbers = np.arange(1 << count)
        return (numbers[:, None] >> np.arange(count) & 1).astype(bool)
    drawn = np.random.default_rng(1).integers(0, 256, (draws, -(-count // 8)), np.uint8)
    return np.unpackbits(drawn, axis=1, count=count).astype(bool)


def _slices(rows: int, width: int) -> list[slice]:
    step = max(1, _CHUNK // max(width, 1))
    return [slice(start, start + step) for start in range(0, rows, step)]


def _direct_test(
    reducer: Reducer,
    first: list[tuple[Array, ...]],
    second: list[tuple[Array, ...]],
    subjects: list[Codes],
    count: int,
) -> float | None:
    """``exchange_test`` for a reducer that is not a function of sums."""
    assert reducer.direct is not None
    kept = _exchanges(count, DIRECT_EXCHANGES)
    differences: list[Array] = []
    seen: list[Array] = []
    for (one,), (other,), who in zip(first, second, subjects, strict=True):
        if len(one) == 0:
            continue
        parts = [
            reducer.direct(np.where(mask, one, other)) - reducer.direct(np.where(mask, other, one))
            for mask in (kept[rows][:, who] for rows in _slices(len(kept), len(one)))
        ]
        differences.append(np.concatenate(parts))
        seen.append(reducer.direct(one) - reducer.direct(other))
    if not seen:
        return None
    scale = max(float(np.abs(one).max()) for (one,), _ in zip(first, subjects, strict=True) if len(one))
    return _p(float(np.mean(seen)), np.mean(differences, axis=0), scale, exact=count <= EXACT_SUBJECTS)
