"""Counter-based random numbers."""

from __future__ import annotations

import torch
from gath_datasets.synthfaces.rand import Draws


def test_uniform_numbers_are_uniform_and_names_independent() -> None:
    d = Draws(torch.arange(20000))
    a, b = d.uniform("a"), d.uniform("b")
    assert abs(a.mean() - 0.5) < 0.01
    assert abs(a.var() - 1 / 12) < 0.005
    assert abs(torch.corrcoef(torch.stack([a, b]))[0, 1]) < 0.03
