"""Properties of all baselines: they come from the registry, whose specs import no torch."""

from __future__ import annotations

import subprocess
import sys

import pytest
from gath_models import plugin

from gath_bench.contracts import AnimationModel
from gath_bench.plugins import load_plugins
from gath_bench.registry import Registry

SPECS = plugin.gath_bench_models()


@pytest.mark.parametrize(
    "spec", [spec for spec in SPECS if spec.name != "precomputed"], ids=lambda spec: spec.name
)
def test_every_baseline_comes_from_the_registry(spec) -> None:
    registry = Registry.of(load_plugins(["gath_models.plugin"], entry_point_group=None))
    assert isinstance(registry.make("model", spec.name).instance, AnimationModel)


@pytest.mark.parametrize("module", ["gath_models.plugin", "gath_datasets.plugin"])
def test_registration_imports_no_torch(module: str) -> None:
    code = f"import sys, {module} as p; assert not {{'torch', 'numpy', 'PIL'}} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_specs_have_summaries() -> None:
    assert all(spec.summary and isinstance(spec.factory, str) for spec in SPECS)
