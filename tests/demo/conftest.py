"""Fixtures: the demo's actions with toy components."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from animation import toy_animation

from gath_bench.demo.handlers import Handlers
from gath_bench.plugins import load_plugins
from gath_bench.registry import Registry


@pytest.fixture(autouse=True)
def faces() -> Iterator[list[tuple[float, float, float]]]:
    """The faces that the toy detector finds; tests may change the list."""
    before = list(toy_animation.FACES)
    yield toy_animation.FACES
    toy_animation.FACES[:] = before


@pytest.fixture(autouse=True)
def _fingerprint(monkeypatch: pytest.MonkeyPatch) -> None:
    """The toy estimator gets a fingerprint that is a hash, as keys need it."""
    info = replace(toy_animation.ToyEstimator.info, fingerprint="0ab1cd23")
    monkeypatch.setattr(toy_animation.ToyEstimator, "info", info)


@pytest.fixture
def registry() -> Registry:
    return Registry.of(load_plugins(("animation.toy_animation",), entry_point_group=None))


@pytest.fixture
def handlers(registry: Registry, tmp_path: Path) -> Handlers:
    return Handlers(registry, tmp_path)
