"""Each batch is animated once, evaluators are shared, and memory does not grow with the data set."""

from __future__ import annotations

import gc
import weakref
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from toy.hostile import OneTensorEstimator
from toy.running import measure, toy_suite
from toy.toy_plugin import AUS, CALLS, HOOK_CALLS

from gath_bench.contracts import Batch, Features
from gath_bench.engine import loading
from gath_bench.engine.loading import BatchLoader
from gath_bench.evaluators import EvaluatorPool, FeatureCache, SharedFeatures


def test_each_batch_is_animated_once_per_model_and_loaded_once(tmp_path: Path) -> None:
    metrics = ("toy-l1", "toy-source-l1", "toy-au", "toy-mask")
    measure(toy_suite(metrics=metrics, dataset="toy[n=10]"), tmp_path)
    assert CALLS["animate"] == 3
    assert CALLS["load"] == 3


def test_two_metrics_share_an_evaluator_and_all_models_the_source_features(tmp_path: Path) -> None:
    suite = toy_suite(metrics=("toy-au", "toy-au[prefix=other]"))
    measure(suite, tmp_path)
    batches, models, sources = 3, 2, 1
    assert CALLS["estimate"] == batches * (models + sources)


def test_shared_features_and_batches_change_no_value(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One by one, as without any sharing, against all kept; with models that leave out images."""
    suite = toy_suite(
        ("toy-edit", "toy-gaps", "toy-nan", "toy-noise"),
        ("toy-l1", "toy-source-l1", "toy-au", "toy-mask", "toy-corpus"),
        "toy[n=10,unreadable=4]",
    )
    _, shared = measure(suite, tmp_path / "shared")
    kept = CALLS["estimate"]
    CALLS.clear()
    monkeypatch.setattr("gath_bench.engine.run.BatchLoader", partial(BatchLoader, keep_bytes=0))
    monkeypatch.setattr("gath_bench.engine.run.SharedFeatures", partial(SharedFeatures, keep_bytes=0))
    _, alone = measure(suite, tmp_path / "alone")
    assert shared.observations.equals(alone.observations)
    assert CALLS["load"] == 3 * 6
    assert kept < CALLS["estimate"]


def test_kept_features_are_bounded_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one_batch = 4 * len(AUS) * 4
    monkeypatch.setattr("gath_bench.engine.run.SharedFeatures", partial(SharedFeatures, keep_bytes=one_batch))
    measure(toy_suite(metrics=("toy-au",), dataset="toy[n=12]"), tmp_path)
    batches, models, kept = 3, 2, 1
    assert CALLS["estimate"] == batches * models * 2 - kept


def test_an_evaluator_that_returns_one_tensor_again_changes_no_earlier_features() -> None:
    evaluator = OneTensorEstimator()
    component = SimpleNamespace(instance=evaluator, info=evaluator.info, name="one-tensor")
    pool = EvaluatorPool(lambda role, name: component)  # type: ignore[arg-type, return-value]
    images = {"source": torch.rand(2, 3, 32, 32), "generated": torch.rand(2, 3, 32, 32)}
    shared = SharedFeatures().of(("toy", "same-subject"), 0)

    def features(side: str) -> torch.Tensor:
        cache = FeatureCache(pool, images, "synthetic", shared=shared)  # type: ignore[arg-type]
        found: Features = cache.features("au_estimator", "one-tensor", side)  # type: ignore[arg-type]
        assert isinstance(found.values, torch.Tensor)
        return found.values

    before = features("source")
    first = before.clone()
    assert not torch.equal(features("generated"), first)
    assert torch.equal(before, first)
    assert features("source") is before  # kept for the next model


def test_an_evaluator_without_weights_is_called_once_per_batch(tmp_path: Path) -> None:
    broken = "estimator=toy-broken-estimator"
    measure(toy_suite(metrics=(f"toy-au[{broken}]", f"toy-au[{broken},prefix=other]")), tmp_path)
    assert CALLS["broken"] == 3 * 2


def test_a_system_metric_runs_once_per_cell(tmp_path: Path) -> None:
    measure(toy_suite(metrics=("toy-system",)), tmp_path)
    assert CALLS["toy-system"] == 2
    assert CALLS["animate"] == 1 + 3


def test_kept_batches_are_bounded_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one_batch = 4 * (2 * 3 + 1) * 32 * 32 * 4 + 1000
    monkeypatch.setattr("gath_bench.engine.run.BatchLoader", partial(BatchLoader, keep_bytes=one_batch))
    measure(toy_suite(metrics=("toy-l1",), dataset="toy[n=12]"), tmp_path)
    assert CALLS["load"] == 3 + 2


def test_memory_is_constant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gath_bench.engine.run.BatchLoader", partial(BatchLoader, keep_bytes=0))
    graded, loaded, most = loading._as_graded, list[weakref.ref[torch.Tensor]](), 0

    def in_memory() -> int:
        return sum(tensor() is not None for tensor in loaded)

    def counted(batch: Batch, device: str) -> Batch:
        nonlocal most
        result = graded(batch, device)
        loaded.append(weakref.ref(result.target_aus))
        most = max(most, in_memory())
        return result

    monkeypatch.setattr(loading, "_as_graded", counted)
    suite = toy_suite(("toy-edit",), ("toy-l1", "toy-au"), "toy[n=120]")
    measure(suite, tmp_path)
    assert CALLS["load"] == 3 * 30
    assert 1 <= most <= 3
    gc.collect()
    assert in_memory() == 0


def test_life_cycle_hooks_are_called_in_order(tmp_path: Path) -> None:
    measure(toy_suite(("toy-failing",)), tmp_path)
    assert HOOK_CALLS == [
        "started",
        "000-toy-exact-toy-same-subject ok",
        "001-toy-copy-toy-same-subject ok",
        "002-toy-failing-toy-same-subject failed",
        "finished",
    ]
