"""The frozen reference values of the renderer."""

from __future__ import annotations

import json
from importlib.resources import files

import torch
from gath_datasets.synthfaces.freeze import TOLERANCE, measure


def test_the_look_is_frozen() -> None:
    """A change of look is a new version, never a silent one: run ``python -m gath_datasets.synthfaces.freeze``."""
    frozen = json.loads(files("gath_datasets.synthfaces").joinpath("frozen.json").read_text(encoding="utf-8"))
    now = measure()
    for name, values in frozen["grids"].items():
        assert (torch.tensor(values) - torch.tensor(now["grids"][name])).abs().max() <= TOLERANCE, name
