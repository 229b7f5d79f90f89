"""The path of a batch on fake CUDA tensors: a model, every bundled evaluator and every metric mix no devices."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from fake_cuda import devices, fake_cuda
from gath_estimators.bundled import BundledEvaluator
from metrics.helpers import make_batch
from torch import Tensor, nn

from gath_bench.contracts import CorpusMetric, DatasetInfo, Metric, ModelInfo
from gath_bench.engine.animate import Animator
from gath_bench.engine.loading import as_graded
from gath_bench.engine.scoring import BatchScorer
from gath_bench.evaluators import EvaluatorPool, FeatureCache
from gath_bench.faces import SYNTHFACES
from gath_bench.plugins import load_plugins
from gath_bench.registry import Registry
from gath_bench.results import Observations

REGISTRY = Registry.of(load_plugins())
SIDE = 192
#: Metrics with a network whose weights users obtain: the network of the same role that is bundled.
PARAMETERS = {
    "frechet-distance": "[network=synthfaces]",
    "kernel-distance": "[network=synthfaces]",
}


class Brighter:
    """A model with a tensor on its device, at another resolution than the data set's."""

    info = ModelInfo("ab", resolution=64)

    def to(self, device: str) -> Brighter:
        self.share = torch.tensor(0.1, device=device)
        return self

    def animate(self, portraits: Tensor, target_aus: Tensor) -> Tensor:
        assert devices((portraits, target_aus)) == {"cuda"}
        return portraits + self.share * (1 - portraits) * target_aus.mean()


@pytest.fixture(autouse=True)
def _untrained(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks without the weights of the package, since real tensors do not become fake ones."""

    def load(evaluator: BundledEvaluator) -> nn.Module:
        entry = evaluator._entry()
        assert entry is not None
        return evaluator.build(entry["outputs"]).eval()

    monkeypatch.setattr(BundledEvaluator, "load", load)


def metrics() -> list[str]:
    """The metrics that grade batches of images with what is bundled."""
    found = []
    for name in sorted(REGISTRY.entries["metric"]):
        metric = REGISTRY.make("metric", name + PARAMETERS.get(name, "")).instance
        roles = {request.component for request in getattr(metric.info, "roles", ())}
        if isinstance(metric, Metric | CorpusMetric) and roles <= {"synthfaces"}:
            found.append(name + PARAMETERS.get(name, ""))
    return found


@pytest.mark.filterwarnings("ignore:Accessing the data pointer")
@pytest.mark.parametrize("name", metrics())
def test_a_batch_is_generated_and_graded_on_the_gpu(name: str) -> None:
    loaded = make_batch(count=4, side=SIDE)
    dataset = DatasetInfo(
        "openface17", SIDE, "synthetic", ("same-subject",), ("test",), "none", has_target=True
    )
    component: Any = SimpleNamespace(info=dataset, instance=None)
    model: Any = SimpleNamespace(info=Brighter.info, instance=Brighter(), name="brighter")
    metric = REGISTRY.make("metric", name)
    observations = Observations()
    with fake_cuda():
        empty = {
            field: torch.zeros(value.shape)
            for field, value in vars(loaded).items()
            if isinstance(value, Tensor)
        }
        pool = EvaluatorPool(REGISTRY.make, "cuda")
        framing = pool.framing(SYNTHFACES, "synthfaces", "synthetic")
        with torch.inference_mode():
            whole = replace(loaded, **empty, swept_au=("AU12",) * 4, clip=("c",) * 4, frame=(0, 1, 2, 3))
            batch = as_graded(whole, "cuda")
        generated = Animator.on_device(model, component, "cuda", 0, framing)(batch, 0)
        assert devices(generated.images) == {"cuda"}
        images: dict[Any, Any] = {
            "generated": generated.images,
            "source": batch.source,
            "target": batch.target,
        }
        features = FeatureCache(pool, images, "synthetic", framing)
        scorer = BatchScorer(observations, "cell", 0)
        with torch.inference_mode():
            if isinstance(metric.instance, CorpusMetric):
                found = scorer.collect(metric, batch, generated.images, features, lambda _: None)
                assert found is not None
            elif name == "au-control":  # its mask has one place per sample, which needs values
                measured = metric.instance.measure(
                    generated.images, batch, features.view(metric.instance.info.roles)
                )
                assert devices([one.values for one in measured]) == {"cuda"}
            else:
                scorer.score(metric, batch, generated.images, features)
    problems = {
        reason
        for reason, status in zip(observations.columns["reason"], observations.columns["status"], strict=True)
        if status == "failed"
    }
    assert not problems
    if name not in ("au-control", "temporal"):  # NaN, as a constant, is True
        assert "ok" in observations.columns["status"]
