"""copy-source: the unedited portrait."""

from __future__ import annotations

import torch
from gath_models.copy_source import CopySource


def test_copy_source_returns_a_copy_of_the_portrait() -> None:
    portraits = torch.rand(3, 3, 8, 8)
    model = CopySource().to("cpu")
    images = model.animate(portraits, torch.ones(3, 17))
    assert torch.equal(images, portraits)
    images.zero_()
    assert portraits.any()
    assert model.info.timed
    assert not model.info.is_reference
