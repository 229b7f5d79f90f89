"""Fixtures: toy components, and photos and videos made of noise."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from animation import toy_animation
from PIL import Image

from gath_bench.animation.model import PhotoModel
from gath_bench.plugins import load_plugins
from gath_bench.registry import Registry


@pytest.fixture(autouse=True)
def faces() -> Iterator[list[tuple[float, float, float]]]:
    """The faces that the toy detector finds; tests may change the list."""
    before = list(toy_animation.FACES)
    yield toy_animation.FACES
    toy_animation.FACES[:] = before


@pytest.fixture
def registry() -> Registry:
    return Registry.of(load_plugins(("animation.toy_animation",), entry_point_group=None))


@pytest.fixture
def warp(registry: Registry) -> PhotoModel:
    return PhotoModel.load("toy-warp", registry)


@pytest.fixture
def direct(registry: Registry) -> PhotoModel:
    return PhotoModel.load("toy-direct", registry)


def noise(width: int = 300, height: int = 200, seed: int = 0) -> Image.Image:
    """A photo without structure: any change of a pixel shows."""
    pixels = np.random.default_rng(seed).integers(30, 200, (height, width, 3)).astype(np.uint8)
    return Image.fromarray(pixels)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    noise().save(tmp_path / "me.png")
    return tmp_path / "me.png"
