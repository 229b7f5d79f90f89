"""kernel-distance and kid equal torch-fidelity and a sum over pairs."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from gath_metrics.kernel_distance import KID, KernelDistance, kernel_distance
from metrics.test_frechet_distance import features

from gath_bench.errors import UsageError


def over_pairs(a: np.ndarray, b: np.ndarray, same) -> float:
    """The estimate from lists of samples; ``same(i, j)`` says that two samples of a list are copies of one."""

    def kernel(x, y):
        return (float(x.astype(np.float64) @ y.astype(np.float64)) / len(x) + 1) ** 3

    n = len(a)
    pairs = [(i, j) for i in range(n) for j in range(n) if not same(i, j)]
    within = sum(kernel(x[i], x[j]) for x in (a, b) for i, j in pairs) / len(pairs)
    return within - 2 * sum(kernel(x, y) for x in a for y in b) / n**2


def test_equals_torch_fidelity_on_the_same_features() -> None:
    """With one subset of all samples: the mean over subsets estimates the same number."""
    fidelity = pytest.importorskip("torch_fidelity.metric_kid")
    a, b = features(120, 32)
    theirs = fidelity.kid_features_to_metric(
        torch.from_numpy(a), torch.from_numpy(b), kid_subsets=1, kid_subset_size=120, verbose=False
    )
    assert kernel_distance(a, b)[0] == pytest.approx(theirs[fidelity.KEY_METRIC_KID_MEAN], abs=1e-5)


def test_equals_the_sum_over_pairs_also_of_a_resample() -> None:
    a, b = features(12, 5)
    counts = np.array([[1] * 12, [2, 0, 1, 3, 0, 1, 1, 0, 1, 1, 2, 0]])
    copies = np.repeat(np.arange(12), counts[1])
    expected = [
        over_pairs(a, b, lambda i, j: i == j),
        over_pairs(a[copies], b[copies], lambda i, j: copies[i] == copies[j]),
    ]
    assert kernel_distance(a, b, counts) == pytest.approx(expected, rel=1e-9)


def test_blocks_change_nothing(monkeypatch) -> None:
    a, b = features(50, 8)
    whole = kernel_distance(a, b)
    monkeypatch.setattr("gath_metrics.kernel_distance._ROWS", 7)
    assert kernel_distance(a, b) == pytest.approx(whole, rel=1e-12)


def test_it_is_unbiased() -> None:
    """Two samples of one distribution: the mean over many is 0, on either side of which the values lie."""
    values = [kernel_distance(*np.random.default_rng(seed).normal(size=(2, 30, 4)))[0] for seed in range(200)]
    assert abs(np.mean(values)) < 3 * np.std(values) / 200**0.5
    assert min(values) < 0 < max(values)


def test_only_the_inception_network_gives_a_kid() -> None:
    assert KernelDistance().info.summaries[0].name == "kernel-distance"
    with pytest.raises(UsageError, match=r"use 'kernel-distance\[network=synthfaces\]'"):
        KID(network="synthfaces")
