"""Weights files of the package ``face-recognition-models``, without importing it: it needs ``pkg_resources``."""

from __future__ import annotations

import importlib.util
from pathlib import Path

PACKAGE = "face_recognition_models"


def model_file(name: str) -> Path | None:
    """A file of the package, or None if the package is not installed."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        return None
    path = Path(next(iter(spec.submodule_search_locations))) / "models" / name
    return path if path.is_file() else None
