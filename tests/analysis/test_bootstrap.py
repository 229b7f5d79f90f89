"""Intervals equal scipy's BCa, and cover what they say, with samples clustered by subject."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from gath_bench.analysis.bootstrap import FEW_SUBJECTS, estimate, expanded_reach
from gath_bench.analysis.reducers import REDUCERS

Array = NDArray[np.float64]


def clustered(rng: np.random.Generator, subjects: int, samples: int = 4) -> tuple[Array, NDArray[np.int64]]:
    """Skewed values with half of their variance between subjects; the true mean is 2."""
    who = np.repeat(np.arange(subjects), samples)
    values = rng.exponential(1.0, subjects)[who] + rng.exponential(1.0, len(who))
    return values, who


def coverage(subjects: int, sets: int) -> float:
    """How often the interval of the mean holds the true mean."""
    rng = np.random.default_rng(subjects)
    hits = 0
    for _ in range(sets):
        values, who = clustered(rng, subjects)
        found = estimate(REDUCERS["mean"], [(values,)], [who])
        assert found.low is not None
        assert found.high is not None
        hits += found.low <= 2.0 <= found.high
    return hits / sets


def expanded_confidence(count: int) -> float:
    """The level at which a plain BCa interval reaches as far as the expanded one at 95 %."""
    reach = np.sqrt(count / (count - 1)) * stats.t.ppf(0.975, count - 1)
    return float(2 * stats.norm.cdf(reach) - 1)


@pytest.mark.parametrize("count", [5, 10, 20, 100, 1000])
def test_the_expansion_equals_student(count: int) -> None:
    reach = np.sqrt(count / (count - 1)) * stats.t.ppf(0.975, count - 1)
    assert expanded_reach(count) == pytest.approx(reach, rel=3e-3)


@pytest.mark.parametrize("seed", range(3))
def test_one_sample_per_subject_equals_scipy(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.exponential(1.0, 50)
    found = estimate(REDUCERS["mean"], [(values,)], [np.arange(50)])
    reference = stats.bootstrap(
        (values,),
        np.mean,
        method="BCa",
        n_resamples=20_000,
        rng=np.random.default_rng(1),
        confidence_level=expanded_confidence(50),
    ).confidence_interval
    length = reference.high - reference.low
    assert found.value == pytest.approx(values.mean(), rel=1e-12)
    # Ours has 2,000 resamples: the error of an end point is about a fortieth of the length.
    assert found.low == pytest.approx(reference.low, abs=length / 10)
    assert found.high == pytest.approx(reference.high, abs=length / 10)


def test_a_correlation_equals_scipy() -> None:
    rng = np.random.default_rng(4)
    y = rng.random(60)
    x = y + 0.3 * rng.standard_normal(60)
    found = estimate(REDUCERS["pcc"], [(x, y)], [np.arange(60)])
    reference = stats.bootstrap(
        (x, y),
        lambda a, b: stats.pearsonr(a, b).statistic,
        paired=True,
        vectorized=False,
        method="BCa",
        n_resamples=2000,
        rng=np.random.default_rng(1),
        confidence_level=expanded_confidence(60),
    ).confidence_interval
    length = reference.high - reference.low
    assert found.low == pytest.approx(reference.low, abs=length / 8)
    assert found.high == pytest.approx(reference.high, abs=length / 8)


def test_subjects_are_resampled_and_not_samples() -> None:
    rng = np.random.default_rng(0)
    values, who = clustered(rng, 30)
    repeated = estimate(REDUCERS["mean"], [(np.tile(values, 10),)], [np.tile(who, 10)])
    once = estimate(REDUCERS["mean"], [(values,)], [who])
    # Ten copies of every sample say nothing new about the subjects.
    assert (repeated.low, repeated.high) == pytest.approx((once.low, once.high))


@pytest.mark.parametrize("name", ["median", "p90"])
def test_percentiles_resample_subjects_as_well(name: str) -> None:
    rng = np.random.default_rng(0)
    values = rng.exponential(1.0, 30)
    once = estimate(REDUCERS[name], [(values,)], [np.arange(30)])
    copies = estimate(REDUCERS[name], [(np.tile(values, 10),)], [np.tile(np.arange(30), 10)])
    assert once.low is not None
    assert once.high is not None
    assert copies.low is not None
    assert copies.high is not None
    assert copies.high - copies.low > 0.6 * (once.high - once.low)


def test_groups_share_their_subjects() -> None:
    rng = np.random.default_rng(2)
    values, who = clustered(rng, 25)
    one = estimate(REDUCERS["mean"], [(values,)], [who])
    three = estimate(REDUCERS["mean"], [(values,)] * 3, [who] * 3)
    assert three.value == pytest.approx(one.value)
    assert (three.low, three.high) == pytest.approx((one.low, one.high))


def test_order_and_names_of_subjects_change_nothing() -> None:
    rng = np.random.default_rng(3)
    values, who = clustered(rng, 25)
    order = rng.permutation(len(values))
    straight = estimate(REDUCERS["mean"], [(values,)], [who])
    mixed = estimate(REDUCERS["mean"], [(values[order],)], [who[order]])
    assert (mixed.value, mixed.low, mixed.high) == pytest.approx(
        (straight.value, straight.low, straight.high)
    )


def test_interval_of_a_constant_is_the_constant() -> None:
    found = estimate(REDUCERS["mean"], [(np.full(40, 0.25),)], [np.arange(40)])
    assert (found.value, found.low, found.high) == pytest.approx((0.25, 0.25, 0.25))


def test_one_subject_has_no_interval_and_few_are_marked() -> None:
    values = np.arange(30.0)
    single = estimate(REDUCERS["mean"], [(values,)], [np.zeros(30, np.int64)])
    assert (single.value, single.low, single.high, single.few_subjects) == (14.5, None, None, True)
    for count in (FEW_SUBJECTS - 1, FEW_SUBJECTS):
        found = estimate(REDUCERS["mean"], [(values[:count],)], [np.arange(count)])
        assert found.few_subjects == (count < FEW_SUBJECTS)


def test_no_samples_give_no_value() -> None:
    for groups, subjects in (([], []), ([(np.zeros(0),)], [np.zeros(0, np.int64)])):
        found = estimate(REDUCERS["mean"], groups, subjects)
        assert (found.value, found.low, found.high) == (None, None, None)


def test_many_subjects_fit_in_memory() -> None:
    values = np.random.default_rng(0).random(20_000)
    found = estimate(REDUCERS["mean"], [(values,)], [np.arange(20_000)])
    assert found.low is not None
    assert found.high is not None
    error = values.std() / np.sqrt(20_000)
    assert found.low == pytest.approx(values.mean() - 1.96 * error, abs=0.2 * error)
    assert found.high == pytest.approx(values.mean() + 1.96 * error, abs=0.2 * error)


def test_a_grouped_reducer_is_the_mean_over_subjects_and_groups() -> None:
    rng = np.random.default_rng(0)
    who = np.repeat(np.arange(30), 5)
    requested = np.tile(np.linspace(0, 1, 5), 30)
    # Each subject has its own level: it changes a correlation over all subjects, and not the grouped value.
    groups = [(requested * gain + 3 * who + rng.random(150) / 2, requested) for gain in (1.0, 0.5)]
    found = estimate(REDUCERS["monotonicity"], groups, [who, who])
    each = np.array(
        [
            [stats.somersd(requested[who == one], x[who == one]).statistic for one in range(30)]
            for x, _ in groups
        ]
    )
    assert found.value == pytest.approx(each.mean(), abs=1e-12)
    by_subject = estimate(REDUCERS["mean"], [(each.mean(0),)], [np.arange(30)])
    assert (found.low, found.high) == pytest.approx((by_subject.low, by_subject.high), abs=1e-9)


def test_a_subject_whose_grouped_value_is_undefined_does_not_count() -> None:
    who = np.array([0, 0, 1, 1, 2, 2])
    requested = np.array([0.0, 1.0, 0.5, 0.5, 0.0, 1.0])
    found = estimate(REDUCERS["monotonicity"], [(np.array([0.0, 1.0, 0.1, 0.9, 1.0, 0.0]), requested)], [who])
    assert found.value == 0
    none = estimate(REDUCERS["monotonicity"], [(requested, np.full(6, 0.5))], [who])
    assert none.value is None


def test_interval_coverage_is_roughly_nominal() -> None:
    assert coverage(40, sets=150) >= 0.9


@pytest.mark.slow
def test_interval_coverage_is_nominal() -> None:
    at_40, at_20 = coverage(40, sets=1000), coverage(20, sets=1000)
    print(f"coverage of the 95 % interval: {at_40:.1%} at 40 subjects, {at_20:.1%} at 20")
    assert 0.93 <= at_40 <= 0.97
    assert at_20 >= 0.91
