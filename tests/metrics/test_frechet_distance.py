"""frechet-distance and fid equal torch-fidelity and the formula with a matrix root."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from gath_metrics import frechet_distance as module
from gath_metrics.frechet_distance import FID, FrechetDistance, frechet_distance
from gath_metrics.inception import InceptionTrunk
from gath_metrics.known_weights import INCEPTION_V3
from gath_metrics.pooled_features import pooled
from scipy.linalg import sqrtm

from gath_bench.contracts import NO_WEIGHTS, Features
from gath_bench.errors import Unavailable, UsageError

#: Samples and dimensions: fewer samples than dimensions, and more.
SHAPES = [(40, 96), (300, 64)]


def features(count: int, size: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Correlated, non-negative features, as networks give them."""
    rng = np.random.default_rng(seed)
    mix = rng.normal(size=(size, size)) / size**0.5
    a, b = rng.normal(size=(2, count, size)) @ mix
    return np.maximum(a, 0).astype(np.float32), np.maximum(1.2 * b + 0.3, 0).astype(np.float32)


def by_matrix_root(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a.astype(np.float64), b.astype(np.float64)
    first, second = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    root = sqrtm(first @ second).real
    return float(((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(first + second - 2 * root))


@pytest.mark.parametrize("shape", SHAPES)
def test_equals_the_formula_with_a_matrix_root(shape) -> None:
    a, b = features(*shape)
    assert frechet_distance(a, b) == pytest.approx(by_matrix_root(a, b), abs=1e-4)


@pytest.mark.parametrize("shape", SHAPES)
def test_equals_torch_fidelity_on_the_same_features(shape) -> None:
    fidelity = pytest.importorskip("torch_fidelity.metric_fid")
    a, b = features(*shape)
    statistics = [fidelity.fid_features_to_statistics(torch.from_numpy(x)) for x in (a, b)]
    theirs = fidelity.fid_statistics_to_metric(*statistics, verbose=False)
    assert frechet_distance(a, b) == pytest.approx(float(next(iter(theirs.values()))), abs=1e-3)


def test_a_weight_is_the_number_of_copies() -> None:
    a, b = features(60, 16)
    counts = np.random.default_rng(1).integers(0, 3, 60)
    expected = frechet_distance(a.repeat(counts, 0), b.repeat(counts, 0))
    assert frechet_distance(a, b, counts) == pytest.approx(expected, rel=1e-9)


def test_equal_images_have_no_distance_and_a_shift_has_its_square() -> None:
    a, _ = features(80, 24)
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-6)
    assert frechet_distance(a, a + np.float32(0.5)) == pytest.approx(24 * 0.25, rel=1e-5)


def test_one_image_has_no_distribution() -> None:
    one = {"generated": np.zeros((1, 4), np.float32), "reference": np.zeros((1, 4), np.float32)}
    with pytest.raises(Unavailable, match="needs at least 2 images"):
        FrechetDistance().compute(one, np.ones((1, 1), np.int64))


def test_the_last_map_is_averaged_over_positions() -> None:
    maps = (torch.rand(2, 3, 8, 8), torch.rand(2, 5, 4, 4))
    assert torch.equal(pooled(Features(maps)), maps[1].mean((2, 3)))
    assert torch.equal(pooled(Features(maps[1].mean((2, 3)))), maps[1].mean((2, 3)))


def test_only_the_inception_network_gives_a_fid() -> None:
    assert FID().info.roles[0].component == "inception[resizer=tf1-bilinear]"
    with pytest.raises(UsageError, match=r"use 'frechet-distance\[network=synthfaces\]'"):
        FID(network="synthfaces")
    assert module.FrechetDistance(reference="source").info.needs == frozenset()


def test_inception_without_weights_is_not_available(tmp_path, monkeypatch) -> None:
    pytest.importorskip("torch_fidelity")
    monkeypatch.setenv("GATH_BENCH_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert InceptionTrunk().info.fingerprint == NO_WEIGHTS
    with pytest.raises(Unavailable, match=r"needs weights-inception.*gath-bench weights get inception"):
        InceptionTrunk()(torch.rand(1, 3, 32, 32))
    (tmp_path / INCEPTION_V3.files[0]).write_bytes(b"not the weights")
    with pytest.raises(Unavailable, match="SHA-256 mismatch"):
        InceptionTrunk()(torch.rand(1, 3, 32, 32))
    assert InceptionTrunk().info.fingerprint != InceptionTrunk(resizer="bicubic").info.fingerprint
