"""The frozen reference values of the renderer."""

from __future__ import annotations

import json
from importlib.resources import files

import torch
from gath_datasets.synthfaces.freeze import TOLERANCE, measure


def test_the_appearance_is_frozen() -> None:
    """A change of appearance needs a new version, then ``python -m gath_datasets.synthfaces.freeze``."""
    frozen = json.loads(files("gath_datasets.synthfaces").joinpath("frozen.json").read_text(encoding="utf-8"))
    now = measure()
    for name, values in frozen["grids"].items():
        assert (torch.tensor(values) - torch.tensor(now["grids"][name])).abs().max() <= TOLERANCE, name
