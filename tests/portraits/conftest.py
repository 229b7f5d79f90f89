"""Portrait folders for the tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image


def save(path: Path, seed: int = 0, width: int = 40, height: int = 40) -> None:
    """Write an image of noise; the parent folder is created."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for seed, name in enumerate(["zoe.png", "adam.png", "mia.webp"]):
        save(tmp_path / "photos" / name, seed)
    return tmp_path / "photos"
