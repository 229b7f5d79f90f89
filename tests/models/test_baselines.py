"""The baselines do what their names say, and their registration loads nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from gath_models import plugin
from gath_models.copy_source import CopySource
from gath_models.mean_frame import MeanFrame
from gath_models.oracle import Oracle

from gath_bench.contracts import AnimationModel
from gath_bench.plugins import load_plugins
from gath_bench.registry import Registry


@pytest.fixture
def portraits() -> torch.Tensor:
    return torch.rand(3, 3, 8, 8)


def test_oracle_returns_the_target(portraits) -> None:
    target = torch.rand(3, 3, 8, 8)
    model = Oracle().to("cpu")
    assert torch.equal(model.animate(portraits, torch.zeros(3, 17), target=target), target)
    assert model.info.is_reference
    assert not model.info.timed


def test_copy_source_returns_the_portrait_and_not_its_memory(portraits) -> None:
    model = CopySource().to("cpu")
    images = model.animate(portraits, torch.ones(3, 17))
    assert torch.equal(images, portraits)
    images.zero_()
    assert portraits.any()
    assert model.info.timed
    assert not model.info.is_reference


def test_mean_frame_is_the_same_for_everyone(portraits) -> None:
    mean = torch.rand(3, 8, 8)
    images = MeanFrame().to("cpu").animate(portraits, torch.zeros(3, 17), mean_portrait=mean)
    assert images.shape == portraits.shape
    assert all(torch.equal(image, mean) for image in images)


@pytest.mark.parametrize("name", ["oracle", "copy-source", "mean-frame"])
def test_every_baseline_comes_from_the_registry(name: str) -> None:
    registry = Registry.of(load_plugins(["gath_models.plugin"], entry_point_group=None))
    assert isinstance(registry.make("model", name).instance, AnimationModel)


@pytest.mark.parametrize("module", ["gath_models.plugin", "gath_datasets.plugin"])
def test_registration_is_light(module: str) -> None:
    code = f"import sys, {module} as p; assert not {{'torch', 'numpy', 'PIL'}} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_specs_have_summaries() -> None:
    assert all(spec.summary and isinstance(spec.factory, str) for spec in plugin.gath_bench_models())
