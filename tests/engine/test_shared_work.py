"""Each batch is animated once, evaluators are shared, and memory does not grow with the data set."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from toy.running import measure, toy_suite
from toy.toy_plugin import CALLS, HOOK_CALLS, LoadedBatches

from gath_bench.engine.loading import BatchLoader


def test_each_batch_is_animated_once_per_model_and_loaded_once(tmp_path: Path) -> None:
    metrics = ("toy-l1", "toy-source-l1", "toy-au", "toy-mask")
    measure(toy_suite(metrics=metrics, dataset="toy[n=10]"), tmp_path)
    assert CALLS["animate"] == 3
    assert CALLS["load"] == 3


def test_two_metrics_share_an_evaluator(tmp_path: Path) -> None:
    suite = toy_suite(metrics=("toy-au", "toy-au[prefix=other]"))
    measure(suite, tmp_path)
    batches, sides, models = 3, 2, 2
    assert CALLS["estimate"] == batches * sides * models


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
    LoadedBatches.now = LoadedBatches.peak = 0
    suite = toy_suite(("toy-edit",), ("toy-l1", "toy-au"), "toy[n=120]")
    measure(suite, tmp_path)
    assert CALLS["load"] == 3 * 30
    assert 1 <= LoadedBatches.peak <= 3
    assert LoadedBatches.now == 0


def test_life_cycle_hooks_are_called_in_order(tmp_path: Path) -> None:
    measure(toy_suite(("toy-failing",)), tmp_path)
    assert HOOK_CALLS == [
        "started",
        "000-toy-exact-toy-same-subject ok",
        "001-toy-copy-toy-same-subject ok",
        "002-toy-failing-toy-same-subject failed",
        "finished",
    ]
