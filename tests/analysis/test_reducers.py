"""Reducers equal independent references, and are functions of sums."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from gath_bench.analysis.reducers import PRESENT, REDUCERS

Array = NDArray[np.float64]


def anova_icc31(x: Array, y: Array) -> float:
    """ICC(3,1) from the two-way ANOVA table, by the definitions (Shrout & Fleiss 1979)."""
    table = np.stack([x, y], 1)
    n, k = table.shape
    grand = table.mean()
    between = k * ((table.mean(1) - grand) ** 2).sum()
    raters = n * ((table.mean(0) - grand) ** 2).sum()
    error = ((table - grand) ** 2).sum() - between - raters
    msr, mse = between / (n - 1), error / ((n - 1) * (k - 1))
    return float((msr - mse) / (msr + (k - 1) * mse))


def counted_f1(x: Array, y: Array) -> float:
    hit = sum(a >= PRESENT and b >= PRESENT for a, b in zip(x, y, strict=True))
    found, present = sum(a >= PRESENT for a in x), sum(b >= PRESENT for b in y)
    precision, recall = hit / found, hit / present
    return 2 * precision * recall / (precision + recall)


REFERENCES: dict[str, Callable[[Array, Array], float]] = {
    "mae": lambda x, y: float(np.mean(np.abs(x - y))),
    "rmse": lambda x, y: float(np.sqrt(np.mean((x - y) ** 2))),
    "pcc": lambda x, y: float(stats.pearsonr(x, y).statistic),
    "slope": lambda x, y: float(stats.linregress(y, x).slope),
    "icc31": anova_icc31,
    "f1": counted_f1,
    "monotonicity": lambda x, y: float(stats.somersd(y, x).statistic),
}


def pair(seed: int, n: int = 60) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    requested = rng.random(n)
    return np.clip(0.7 * requested + 0.2 * rng.random(n), 0, 1), requested


@pytest.mark.parametrize("name", REFERENCES)
@pytest.mark.parametrize("seed", range(3))
def test_pairs_equal_the_reference(name: str, seed: int) -> None:
    x, y = pair(seed)
    assert REDUCERS[name](x, y) == pytest.approx(REFERENCES[name](x, y), rel=1e-9)


def test_single_inputs_equal_numpy() -> None:
    x, _ = pair(0)
    references = {
        "mean": np.mean,
        "sum": np.sum,
        "max": np.max,
        "median": np.median,
        "p50": np.median,
        "p90": lambda v: np.quantile(v, 0.9),
        "p99": lambda v: np.quantile(v, 0.99),
        "corpus": lambda v: v[0],  # the first number of a record
    }
    assert set(references) | set(REFERENCES) == set(REDUCERS)
    for name, reference in references.items():
        assert REDUCERS[name](x) == pytest.approx(float(reference(x)), rel=1e-12), name


@pytest.mark.parametrize("name", [name for name, reducer in REDUCERS.items() if reducer.moments is not None])
def test_sums_of_parts_give_the_value_of_the_whole(name: str) -> None:
    reducer = REDUCERS[name]
    inputs = pair(5)[: reducer.inputs]
    assert reducer.moments is not None
    assert reducer.finish is not None
    parts = sum(reducer.moments(*(x[part] for x in inputs)).sum(0) for part in (slice(0, 7), slice(7, None)))
    assert float(reducer.finish(np.asarray(parts))) == pytest.approx(reducer(*inputs), rel=1e-9)


@pytest.mark.parametrize("name", ["pcc", "slope", "icc31"])
def test_a_constant_has_no_correlation(name: str) -> None:
    constant, varied = np.full(20, 0.1), np.linspace(0, 1, 20)
    value = REDUCERS[name](varied, constant)
    if name == "icc31":
        assert value == pytest.approx(anova_icc31(varied, constant))
    else:
        assert np.isnan(value)


@pytest.mark.parametrize("name", REDUCERS)
def test_nothing_gives_nothing(name: str) -> None:
    reducer = REDUCERS[name]
    value = reducer(*[np.zeros(0)] * reducer.inputs)
    assert np.isnan(value)


@pytest.mark.parametrize("name", ["pcc", "icc31"])
def test_a_perfect_pair_is_one(name: str) -> None:
    x, _ = pair(1)
    assert REDUCERS[name](x, x) == pytest.approx(1.0)
    assert REDUCERS[name](x, x) <= 1.0


def test_f1_without_any_present_au_is_undefined() -> None:
    assert np.isnan(REDUCERS["f1"](np.zeros(5), np.zeros(5)))
    assert REDUCERS["f1"](np.ones(5), np.zeros(5)) == 0.0


def test_monotonicity_counts_ties_as_no_answer() -> None:
    requested = np.array([0.0, 0.25, 0.5, 0.75, 1.0, 1.0])
    for measured in (np.array([0.1, 0.1, 0.4, 0.2, 0.4, 0.9]), requested, 1 - requested):
        expected = stats.somersd(requested, measured).statistic
        assert REDUCERS["monotonicity"](measured, requested) == pytest.approx(expected, abs=1e-12)
    assert REDUCERS["monotonicity"](np.full(6, 0.3), requested) == 0  # where a rank correlation is undefined
    assert np.isnan(REDUCERS["monotonicity"](requested, np.full(6, 0.3)))
