"""Quantiles equal numpy's to the bit, of sorted values, of any values, and of resamples given as counts."""

from __future__ import annotations

import numpy as np
import pytest

from gath_bench.analysis.quantiles import quantile, quantile_of_counts, sorted_quantile

SHARES = (0.0, 0.1, 1 / 3, 0.5, 0.9, 0.95, 0.99, 1.0)


@pytest.mark.parametrize("count", [1, 2, 3, 50, 101, 1000])
def test_quantiles_have_the_bits_of_numpy(count: int) -> None:
    rng = np.random.default_rng(count)
    values = rng.normal(size=(7, count))
    for share in SHARES:
        assert np.array_equal(quantile(values, share), np.quantile(values, share, axis=-1))
    assert np.array_equal(sorted_quantile(np.sort(values[0]), SHARES), np.quantile(values[0], SHARES))


@pytest.mark.parametrize("count", [1, 2, 3, 50, 101, 1000])
def test_quantiles_of_counts_are_those_of_the_repeated_values(count: int) -> None:
    rng = np.random.default_rng(count)
    values = np.sort(rng.normal(size=count).round(1))  # with ties
    counts = rng.integers(0, 3, (count, 40), np.uint16)
    counts[:, 0] = 0
    for share in SHARES:
        found = quantile_of_counts(values, counts, share)
        assert np.isnan(found[0]), "a resample without any value"
        for number in range(1, 40):
            resample = np.repeat(values, counts[:, number])
            expected = np.quantile(resample, share) if len(resample) else np.nan
            assert np.array_equal(found[number], expected, equal_nan=True)
