"""Properties of metrics without evaluators: invariance, best values, monotonicity."""

from __future__ import annotations

import importlib
from dataclasses import replace

import pytest
import torch
from gath_metrics import plugin
from hypothesis import given, settings
from hypothesis import strategies as st
from metrics.helpers import TableEvaluations, make_batch

from gath_bench.contracts import Batch, Metric


def image_metrics():
    """Registered metrics without evaluators, by name."""
    found = {}
    for spec in plugin.gath_bench_metrics():
        module, _, factory = spec.factory.partition(":")
        metric = getattr(importlib.import_module(module), factory)()
        if isinstance(metric, Metric) and not metric.info.roles:
            found[spec.name] = metric
    return found


METRICS = image_metrics()
#: The side that shows a metric something; ms-ssim needs 176.
SIDES = {"ms-ssim": 176}
each_metric = pytest.mark.parametrize("name", METRICS)


def values(name, generated, batch):
    (measured,) = METRICS[name].measure(generated, batch, TableEvaluations())
    return torch.as_tensor(measured.values, dtype=torch.float64)


def pick(batch: Batch, chosen: list[int]) -> Batch:
    return replace(
        batch,
        sample_id=tuple(batch.sample_id[i] for i in chosen),
        subject=tuple(batch.subject[i] for i in chosen),
        **{name: getattr(batch, name)[chosen] for name in ("source", "target_aus", "target", "face_mask")},
    )


def best_images(name, batch):
    """The images with the best value of a metric."""
    return batch.target if "target" in METRICS[name].info.needs else batch.source


@each_metric
def test_oracle_has_the_best_value(name):
    batch = make_batch(side=SIDES.get(name, 48))
    (summary,) = METRICS[name].info.summaries
    best = summary.high if summary.direction == "higher" else summary.low
    torch.testing.assert_close(values(name, best_images(name, batch), batch), torch.full((4,), best).double())


@each_metric
def test_every_image_gets_worse_with_degradation(name, degrade):
    batch = make_batch(side=SIDES.get(name, 64))
    sign = 1 if METRICS[name].info.summaries[0].direction == "higher" else -1
    right = best_images(name, batch)
    levels = [right, *(degrade(right, level) for level in (0.7, 1.2, 2.0, 3.0))]
    scores = torch.stack([sign * values(name, images, batch) for images in levels])
    assert (scores.diff(dim=0) < 0).all(), scores


@each_metric
@given(data=st.data())
@settings(max_examples=8, deadline=None)
def test_values_do_not_depend_on_the_batch(name, data):
    batch = make_batch(count=6, side=SIDES.get(name, 40))
    generated = make_batch(count=6, side=SIDES.get(name, 40), seed=3).source
    chosen = data.draw(st.lists(st.integers(0, 5), min_size=1, max_size=6, unique=True))
    whole = values(name, generated, batch)
    some = values(name, generated[chosen], pick(batch, chosen))
    torch.testing.assert_close(some, whole[chosen], rtol=1e-10, atol=1e-12)
