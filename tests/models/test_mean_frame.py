"""Mean-frame: one average portrait for everyone."""

from __future__ import annotations

import torch
from gath_models.mean_frame import MeanFrame


def test_mean_frame_is_the_same_for_everyone() -> None:
    portraits, mean = torch.rand(3, 3, 8, 8), torch.rand(3, 8, 8)
    images = MeanFrame().to("cpu").animate(portraits, torch.zeros(3, 17), mean_portrait=mean)
    assert images.shape == portraits.shape
    assert all(torch.equal(image, mean) for image in images)
