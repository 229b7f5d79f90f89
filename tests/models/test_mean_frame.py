"""mean-frame: the mean portrait of the data set."""

from __future__ import annotations

import torch
from gath_models.mean_frame import MeanFrame


def test_mean_frame_returns_the_mean_portrait_for_every_sample() -> None:
    portraits, mean = torch.rand(3, 3, 8, 8), torch.rand(3, 8, 8)
    images = MeanFrame().to("cpu").animate(portraits, torch.zeros(3, 17), mean_portrait=mean)
    assert images.shape == portraits.shape
    assert all(torch.equal(image, mean) for image in images)
