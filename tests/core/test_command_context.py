"""What ``gath-bench`` offers to plugins' subcommands: the same names and keys as in a run."""

from __future__ import annotations

import pytest
import torch

from gath_bench import Unavailable, UsageError
from gath_bench.cli.context import Context
from gath_bench.contracts import CommandContext, RoleRequest
from gath_bench.suite import Suite, make_plan


@pytest.fixture(scope="module")
def context() -> Context:
    return Context(("toy.toy_plugin",), use_entry_points=False)


def test_names_are_those_of_the_registry(context: CommandContext) -> None:
    assert context.names("dataset") == ("toy",)
    assert context.names("au_estimator") == ("toy-broken-estimator", "toy-estimator")
    assert context.names("identity_encoder") == ()


def test_keys_are_those_of_a_manifest(context: Context, tmp_path) -> None:
    from gath_bench.engine.manifest_builder import new_manifest

    suite = Suite.model_validate(
        {
            "models": ("toy-trained-against[precision=bf16]",),
            "metrics": ("toy-l1[label=y]",),
            "datasets": ({"name": "toy"},),
            "references": {"oracle": "toy-exact", "copy_source": "toy-copy"},
        }
    )
    manifest = new_manifest(make_plan(suite, context.registry), command=[], device="cpu", environment={})
    cells = {cell.model: cell for cell in manifest.cells}
    cell = cells["toy-trained-against[precision=bf16]"]
    assert context.load("model", "toy-trained-against[precision=bf16]").key == cell.model_key
    assert context.load("dataset", "toy").key == cell.dataset_key
    assert context.load("metric", "toy-l1[label=y]").key == manifest.metrics[0].key


def test_make_is_load_without_the_key(context: CommandContext) -> None:
    loaded = context.load("model", "toy-noise[delay=0]")
    assert loaded.name == "toy-noise[delay=0]"
    assert type(loaded.instance) is type(context.make("model", "toy-noise"))


def test_evaluators_see_each_image_once_per_batch(context: CommandContext) -> None:
    from toy.toy_plugin import CALLS

    evaluators = context.evaluators(
        [RoleRequest("au_estimator", "toy-estimator")], domain="synthetic", device="cpu"
    )
    assert evaluators.keys["au_estimator"].startswith("toy-estimator[")
    images = {"generated": torch.rand(2, 3, 8, 8), "source": torch.rand(2, 3, 8, 8), "target": None}
    CALLS.clear()
    for batch in range(1, 3):
        evaluations = evaluators.on(images)
        for side in ("generated", "source", "generated"):
            assert evaluations.features("au_estimator", side).values.shape == (2, 17)
        assert CALLS["estimate"] == 2 * batch
    with pytest.raises(Unavailable, match="no target image"):
        evaluations.features("au_estimator", "target")


def test_evaluators_that_cannot_be_used_are_refused(context: CommandContext) -> None:
    known = RoleRequest("au_estimator", "toy-estimator")
    with pytest.raises(Unavailable, match="photo"):
        context.evaluators([known], domain="photo", device="cpu")
    with pytest.raises(Unavailable, match="toy-estimator"):
        context.evaluators([RoleRequest("au_estimator", "toy-estimater")], domain="synthetic", device="cpu")


def test_devices_are_resolved_as_in_a_run(context: CommandContext) -> None:
    assert context.resolve_device("cpu") == "cpu"
    with pytest.raises(UsageError, match="is not a device"):
        context.resolve_device("tpu")
