"""AU coefficients to shape controls."""

from __future__ import annotations

import torch
from gath_datasets.synthfaces.expression import CONTROLS, controls
from gath_datasets.synthfaces.samples import random_aus


def test_controls_are_linear() -> None:
    a, b = random_aus(torch.tensor([1, 2, 3])), random_aus(torch.tensor([4, 5, 6]))
    both, one, other = controls(0.5 * a + 0.5 * b), controls(a), controls(b)
    for name in CONTROLS:
        assert torch.allclose(both[name], 0.5 * one[name] + 0.5 * other[name], atol=1e-6)
