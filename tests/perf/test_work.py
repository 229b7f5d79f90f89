"""Rendering, every metric, inference, and what the engine adds to the metric's own time."""

from __future__ import annotations

import itertools

import pytest
import torch
import torch.nn.functional as F
from toy.running import measure, toy_suite, toys
from toy.toy_plugin import Estimator

from gath_bench.au import DEFAULT_SPACE, get_space
from gath_bench.contracts import ComponentName, EvaluatorInfo, Features, ModelSpec
from gath_bench.evaluators import EvaluatorPool, FeatureCache
from gath_bench.plugins import load_plugins
from gath_bench.registry import Component, Registry

FACES, SIDE = 4, 64


class RandomTrunk:
    """Two convolutions with fixed random weights."""

    info = EvaluatorInfo("0" * 64, frozenset({"synthetic"}))

    def __init__(self):
        generator = torch.Generator().manual_seed(0)
        self.first = torch.randn(16, 3, 3, 3, generator=generator)
        self.second = torch.randn(32, 16, 3, 3, generator=generator)

    def __call__(self, images):
        first = F.conv2d(images, self.first, stride=2).relu()
        return Features((first, F.conv2d(first, self.second, stride=2).relu()))


@pytest.fixture(scope="module")
def registry():
    return Registry.of(load_plugins(["gath_metrics.plugin", "gath_models.plugin", "gath_datasets.plugin"],
                                    entry_point_group=None))  # fmt: skip


@pytest.fixture(scope="module")
def faces(registry):
    data = registry.make("dataset", f"synthfaces[resolution={SIDE}]").instance
    return data, data.samples("test", "same-subject", 0)[:FACES]


@pytest.mark.benchmark(group="render")
def test_render(benchmark, faces):
    data, samples = faces
    batch = benchmark(data.load, samples)
    assert batch.target.shape == (FACES, 3, SIDE, SIDE)


@pytest.mark.parametrize("name", ["psnr", "ssim", "changed-error", "background-psnr", "lpips", "au-error"])
@pytest.mark.benchmark(group="metric")
def test_metric(benchmark, registry, faces, name):
    data, samples = faces
    batch = data.load(samples)
    metric = registry.make("metric", name).instance
    evaluators = {"perceptual_trunk": RandomTrunk(), "au_estimator": Estimator()}
    pool = EvaluatorPool(
        lambda role, name: Component(ModelSpec(name, name, ""), ComponentName(name), {}, evaluators[role])
    )
    images = {"generated": batch.source, "source": batch.source, "target": batch.target}
    measured = benchmark(
        lambda: metric.measure(
            batch.source, batch, FeatureCache(pool, images, "synthetic").view(metric.info.roles)
        )
    )
    assert all(len(observation.values) == FACES for observation in measured)


@pytest.mark.parametrize("batch", [1, 8])
@pytest.mark.benchmark(group="inference")
def test_inference(benchmark, registry, batch):
    model = registry.make("model", "copy-source").instance.to("cpu")
    portraits = torch.rand(batch, 3, SIDE, SIDE)
    aus = torch.rand(batch, len(get_space(DEFAULT_SPACE).labels))
    assert torch.equal(benchmark(model.animate, portraits, aus), portraits)


@pytest.mark.benchmark(group="engine")
def test_bare_metric(benchmark):
    """What the engine's work is to be compared with: loading and grading the same samples by hand."""
    registry = Registry.of(toys())
    data = registry.make("dataset", "toy").instance
    metric = registry.make("metric", "toy-l1").instance
    samples = data.samples("test", data.info.protocols[0], 0)

    def by_hand():
        batches = [data.load(samples[start : start + 4]) for start in range(0, len(samples), 4)]
        return [metric.measure(batch.source, batch, None) for batch in batches]

    assert benchmark(by_hand)


@pytest.mark.benchmark(group="engine")
def test_engine(benchmark, tmp_path):
    """A whole run of a model that does nothing, with its two reference rows."""
    folders = (tmp_path / str(number) for number in itertools.count())
    outcome, run = benchmark(lambda: measure(toy_suite(), next(folders)))
    assert not outcome.failed
    assert run.rows.num_rows
