"""``CommandContext.evaluate``: values equal those of a run, and the caller's state is restored."""

from __future__ import annotations

import random
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from toy.running import measure, table, toy_suite
from toy.toy_plugin import CALLS, HOOK_CALLS, Edit, Failing, Noise

from gath_bench.cli.context import Context
from gath_bench.contracts import CommandContext
from gath_bench.errors import UsageError
from gath_bench.plugins import PluginWarning


@pytest.fixture
def context() -> Context:
    return Context(modules=("toy.toy_plugin",), use_entry_points=False)


def evaluate(context: CommandContext, model: Any, *metrics: str, **more: Any) -> dict[str, float]:
    return dict(context.evaluate(model, **{"dataset": "toy", "metrics": metrics, "split": "test", **more}))


@pytest.mark.parametrize("model", [Edit, Noise])
def test_values_equal_those_of_a_run(context: Context, tmp_path: Path, model: type[Any]) -> None:
    name = {Edit: "toy-edit", Noise: "toy-noise"}[model]
    _, run = measure(toy_suite((name,), ("toy-l1", "toy-au"), limit=9, batch_size=16), tmp_path)
    found = evaluate(context, model(), "toy-l1", "toy-au", limit=9)
    assert found == {
        metric: table(run, name, metric).value for metric in ("toy-l1", "toy-au.mae", "toy-au.pcc")
    }


def test_the_default_split_is_val(context: Context, tmp_path: Path) -> None:
    _, run = measure(toy_suite(("toy-edit",), split="val"), tmp_path)
    assert context.evaluate(Edit(), dataset="toy", metrics=["toy-l1"]) == {
        "toy-l1": table(run, "toy-edit", "toy-l1").value
    }


def test_only_this_model_is_measured_and_no_hook_is_called(
    context: Context, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    evaluate(context, Edit(), "toy-l1")
    assert CALLS["toy-l1"] == 1
    assert HOOK_CALLS == []
    assert list(tmp_path.iterdir()) == []


def test_na_is_left_out_and_a_failure_is_left_out_with_a_warning(context: Context) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert evaluate(context, Edit(), "toy-no-weights", "toy-source-l1").keys() == {
            "toy-source-l1",
            "toy-source-l1.median",
        }
    with pytest.warns(PluginWarning, match="toy-l1 failed: RuntimeError: out of luck"):
        assert evaluate(context, Failing(), "toy-l1") == {}


def test_random_states_and_settings_are_restored(context: Context) -> None:
    def draw() -> tuple[float, ...]:
        return random.random(), float(np.random.rand()), float(torch.rand(()))

    random.seed(5)
    np.random.seed(5)
    torch.manual_seed(5)
    expected = draw()
    torch.use_deterministic_algorithms(False)
    torch.backends.cudnn.benchmark = True
    random.seed(5)
    np.random.seed(5)
    torch.manual_seed(5)
    try:
        evaluate(context, Noise(), "toy-l1")
        assert draw() == expected
        assert torch.backends.cudnn.benchmark
        assert not torch.are_deterministic_algorithms_enabled()
    finally:
        torch.backends.cudnn.benchmark = False


def test_one_rank_evaluates_alone(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "1")
    assert evaluate(context, Edit(), "toy-l1")
    assert not torch.distributed.is_initialized()


def test_make_gives_the_component(context: Context) -> None:
    dataset = context.make("dataset", "toy[n=5]")
    assert len(dataset.samples("test", "same-subject", 0)) == 5


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"dataset": "toys"}, "did you mean toy"),
        ({"metrics": ("toy-l2",)}, "did you mean toy-l1"),
        ({"metrics": ()}, "metrics"),
        ({"limit": 0}, "limit"),
        ({"protocol": "swep"}, "did you mean sweep"),
        ({"device": "gpu"}, "is not a device"),
        ({"metrics": ("toy-l1", "toy-l1[label=x]")}, "several values of toy-l1"),
    ],
)
def test_errors_are_one_sentence(context: Context, more: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        evaluate(context, Edit(), "toy-l1", **more)
