"""oracle: the target image."""

from __future__ import annotations

import torch
from gath_models.oracle import Oracle


def test_oracle_returns_the_target() -> None:
    target = torch.rand(3, 3, 8, 8)
    model = Oracle().to("cpu")
    assert torch.equal(model.animate(torch.rand(3, 3, 8, 8), torch.zeros(3, 17), target=target), target)
    assert model.info.is_reference
    assert not model.info.timed
