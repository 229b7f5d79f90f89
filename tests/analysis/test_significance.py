"""The test by exchange of subjects equals scipy's, keeps its level, and Holm's correction equals statsmodels'."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from statsmodels.stats.multitest import multipletests

from gath_bench.analysis.bootstrap import contrast, resample
from gath_bench.analysis.reducers import REDUCERS
from gath_bench.analysis.significance import EXACT_SUBJECTS, EXCHANGES, exchange_test, holm

Array = NDArray[np.float64]


def chance(one: Array, other: Array, who: NDArray[np.int64], reducer: str = "mean") -> float:
    found = exchange_test(REDUCERS[reducer], [(one,)], [(other,)], [who], int(who.max()) + 1)
    assert found is not None
    return found


def clustered_pair(
    rng: np.random.Generator, subjects: int, effect: float, samples: int = 4
) -> tuple[Array, Array, NDArray[np.int64]]:
    """Two models on the same samples; the second is higher by ``effect`` on average, and by subject."""
    who = np.repeat(np.arange(subjects), samples)
    hard = rng.exponential(1.0, subjects)[who]
    liking = rng.normal(effect, 0.5, subjects)[who]
    one = hard + rng.exponential(0.5, len(who))
    return one, hard + liking + rng.exponential(0.5, len(who)), who


@pytest.mark.parametrize("seed", range(3))
def test_few_subjects_equal_scipy_to_the_digit(seed: int) -> None:
    rng = np.random.default_rng(seed)
    one, other = rng.exponential(1.0, 10), rng.exponential(1.4, 10)
    reference = stats.permutation_test(
        (one - other,), np.mean, permutation_type="samples", n_resamples=np.inf, vectorized=True
    )
    assert chance(one, other, np.arange(10)) == pytest.approx(reference.pvalue, abs=1e-12)


def test_many_subjects_equal_scipy_within_chance() -> None:
    rng = np.random.default_rng(0)
    one, other = rng.exponential(1.0, 40), rng.exponential(1.3, 40)
    reference = stats.permutation_test(
        (one - other,),
        np.mean,
        permutation_type="samples",
        n_resamples=20_000,
        vectorized=True,
        rng=np.random.default_rng(5),
    ).pvalue
    assert 0.01 < reference < 0.9
    error = np.sqrt(reference * (1 - reference) / EXCHANGES)
    assert chance(one, other, np.arange(40)) == pytest.approx(reference, abs=5 * error)


def test_samples_of_a_subject_are_exchanged_together() -> None:
    rng = np.random.default_rng(1)
    one, other, who = clustered_pair(rng, 12, 0.3)
    by_subject = [np.bincount(who, values) for values in (one, other)]
    assert chance(one, other, who) == pytest.approx(chance(*by_subject, np.arange(12)), abs=1e-12)
    # Copies of every sample say nothing new.
    assert chance(np.tile(one, 5), np.tile(other, 5), np.tile(who, 5)) == chance(one, other, who)


@pytest.mark.parametrize("reducer", ["rmse", "pcc", "icc31", "median", "monotonicity"])
def test_any_reducer_by_exchanging_samples_themselves(reducer: str) -> None:
    rng = np.random.default_rng(2)
    who, subjects = np.repeat(np.arange(6), 5), 6
    y = rng.random(30)
    models = [y + 0.2 * rng.standard_normal(30), 0.5 * y + 0.4 * rng.standard_normal(30)]
    taken = (lambda x: (x,)) if REDUCERS[reducer].inputs == 1 else (lambda x: (x, y))

    def value(x: Array) -> float:
        if REDUCERS[reducer].grouped is None:
            return REDUCERS[reducer](*taken(x))
        return float(np.mean([REDUCERS[reducer](*(v[who == s] for v in taken(x))) for s in range(subjects)]))

    seen = value(models[0]) - value(models[1])
    hits = 0
    for number in range(1 << subjects):
        kept = (number >> who & 1).astype(bool)
        swapped = value(np.where(kept, *models)) - value(np.where(kept, *models[::-1]))
        hits += abs(swapped) >= abs(seen) - 1e-12
    found = exchange_test(REDUCERS[reducer], [taken(models[0])], [taken(models[1])], [who], subjects)
    assert found == pytest.approx(hits / (1 << subjects), abs=1e-12)


def test_has_its_nominal_level_and_power() -> None:
    rng = np.random.default_rng(3)
    nothing = [chance(*clustered_pair(rng, 12, 0.0)) <= 0.05 for _ in range(200)]
    something = [chance(*clustered_pair(rng, 12, 0.8)) <= 0.05 for _ in range(50)]
    # Three standard deviations of 200 draws at 5 %.
    assert np.mean(nothing) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 200)
    assert np.mean(something) > 0.8


def test_equal_models_have_p_1() -> None:
    values = np.random.default_rng(0).random(30)
    assert chance(values, values, np.arange(30)) == 1.0


def test_two_subjects_are_never_significant() -> None:
    assert chance(np.zeros(2), np.ones(2), np.arange(2)) == 0.5
    assert 2 / 2**EXACT_SUBJECTS < 0.05


def test_many_subjects_are_exchanged_in_bundles() -> None:
    rng = np.random.default_rng(0)
    one = rng.random(5000)
    assert chance(one, one + rng.normal(0.02, 0.2, 5000), np.arange(5000)) < 0.01
    assert chance(one, one + rng.normal(0.0, 0.2, 5000), np.arange(5000)) > 0.01


def test_groups_are_averaged() -> None:
    rng = np.random.default_rng(4)
    one, other, who = clustered_pair(rng, 10, 0.3)
    single = chance(one, other, who)
    both = exchange_test(REDUCERS["mean"], [(one,), (2 * one,)], [(other,), (2 * other,)], [who, who], 10)
    assert both == pytest.approx(single)


def test_undefined_values_are_not_tested() -> None:
    constant = np.ones(5)
    pair = (np.arange(5.0), constant)
    assert exchange_test(REDUCERS["pcc"], [pair], [pair], [np.arange(5)], 5) is None


@pytest.mark.parametrize("seed", range(5))
def test_holm_equals_statsmodels(seed: int) -> None:
    chances = np.random.default_rng(seed).random(seed + 1) ** 3
    assert holm(chances.tolist()) == pytest.approx(multipletests(chances, method="holm")[1])


def test_holm_of_an_empty_list_is_empty() -> None:
    assert holm([]) == []


def difference_coverage(subjects: int, sets: int) -> float:
    """How often the interval of a paired difference holds the true one."""
    rng = np.random.default_rng(subjects)
    hits = 0
    for _ in range(sets):
        one, other, who = clustered_pair(rng, subjects, 0.3)
        mine, theirs = (resample(REDUCERS["mean"], [(values,)], [who]) for values in (one, other))
        found = contrast(lambda a, b: a - b, theirs, mine)
        assert found.low is not None
        assert found.high is not None
        hits += found.low <= 0.3 <= found.high
    return hits / sets


def test_paired_interval_coverage_is_roughly_nominal() -> None:
    assert difference_coverage(40, sets=100) >= 0.88


@pytest.mark.slow
def test_paired_interval_coverage_is_nominal() -> None:
    at_40, at_20 = difference_coverage(40, sets=1000), difference_coverage(20, sets=1000)
    print(
        f"coverage of the 95 % interval of a paired difference: {at_40:.1%} at 40 subjects, {at_20:.1%} at 20"
    )
    assert 0.93 <= at_40 <= 0.97
    assert at_20 >= 0.91


def test_a_paired_interval_equals_scipy() -> None:
    rng = np.random.default_rng(0)
    one, other = rng.exponential(1.0, 60), rng.exponential(1.2, 60)
    who = np.arange(60)
    mine, theirs = (resample(REDUCERS["mean"], [(values,)], [who]) for values in (one, other))
    found = contrast(lambda a, b: a - b, theirs, mine)
    reach = np.sqrt(60 / 59) * stats.t.ppf(0.975, 59)
    reference = stats.bootstrap(
        (other - one,),
        np.mean,
        method="BCa",
        n_resamples=20_000,
        rng=np.random.default_rng(1),
        confidence_level=float(2 * stats.norm.cdf(reach) - 1),
    ).confidence_interval
    length = reference.high - reference.low
    assert found.value == pytest.approx(float(np.mean(other - one)), rel=1e-9)
    assert found.low == pytest.approx(reference.low, abs=length / 10)
    assert found.high == pytest.approx(reference.high, abs=length / 10)
    # The pairing is what makes it short: apart, the subjects' own levels would be in it.
    shared = 5 * rng.exponential(1.0, 60)
    paired = contrast(
        lambda a, b: a - b, *(resample(REDUCERS["mean"], [(v + shared,)], [who]) for v in (other, one))
    )
    assert paired.low == pytest.approx(found.low, abs=1e-9)
