"""Benchmarks of rendering, metrics, inference, and of the engine beside the metric's own time."""

from __future__ import annotations

import itertools

import pytest
import torch
from toy.running import measure, toy_suite, toys

from gath_bench.au import DEFAULT_SPACE, get_space
from gath_bench.cli.context import Context
from gath_bench.registry import Registry

FACES, SIDE = 4, 64


@pytest.fixture(scope="module")
def context():
    return Context(
        ("gath_metrics.plugin", "gath_models.plugin", "gath_datasets.plugin", "gath_estimators.plugin"),
        use_entry_points=False,
    )


@pytest.fixture(scope="module")
def faces(context):
    data = context.make("dataset", f"synthfaces[resolution={SIDE}]")
    return data, data.samples("test", "same-subject", 0)[:FACES]


@pytest.mark.benchmark(group="render")
def test_render(benchmark, faces):
    data, samples = faces
    batch = benchmark(data.load, samples)
    assert batch.target.shape == (FACES, 3, SIDE, SIDE)


@pytest.mark.parametrize("name", ["psnr", "ssim", "changed-error", "background-psnr", "lpips", "au-error"])
@pytest.mark.benchmark(group="metric")
def test_metric(benchmark, context, faces, name):
    data, samples = faces
    batch = data.load(samples)
    metric = context.make("metric", name)
    evaluators = context.evaluators(metric.info.roles, domain="synthetic", device="cpu")
    images = {"generated": batch.source, "source": batch.source, "target": batch.target}
    measured = benchmark(lambda: metric.measure(batch.source, batch, evaluators.on(images)))
    assert all(len(observation.values) == FACES for observation in measured)


@pytest.mark.parametrize("batch", [1, 8])
@pytest.mark.benchmark(group="inference")
def test_inference(benchmark, context, batch):
    model = context.make("model", "copy-source").to("cpu")
    portraits = torch.rand(batch, 3, SIDE, SIDE)
    aus = torch.rand(batch, len(get_space(DEFAULT_SPACE).labels))
    assert torch.equal(benchmark(model.animate, portraits, aus), portraits)


@pytest.mark.benchmark(group="engine")
def test_bare_metric(benchmark):
    """Loading and scoring the same samples without the engine; the reference for ``test_engine``."""
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
    """A whole run of a model that returns its input, with its two baseline rows."""
    folders = (tmp_path / str(number) for number in itertools.count())
    outcome, run = benchmark(lambda: measure(toy_suite(), next(folders)))
    assert not outcome.failed
    assert run.observations.num_rows
