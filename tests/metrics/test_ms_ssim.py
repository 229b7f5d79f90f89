"""ms-ssim equals an independent implementation with scipy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from gath_metrics.ms_ssim import MSSSIM, ms_ssim
from metrics.helpers import make_batch, shapes
from scipy.signal import convolve2d
from torch import Tensor

from gath_bench.errors import Unavailable
from gath_bench.images import to_8bit

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


def reference(a: Tensor, b: Tensor) -> float:
    """MS-SSIM of one image, per channel, with a two-dimensional window."""
    offsets = np.arange(-5, 6)
    window = np.exp(-(offsets[:, None] ** 2 + offsets[None] ** 2) / (2 * 1.5**2))
    window /= window.sum()

    def mean(x):
        return convolve2d(x, window, mode="valid")

    channels = []
    for x, y in zip(a.double().numpy(), b.double().numpy(), strict=True):
        value = 1.0
        for scale, weight in enumerate(WEIGHTS):
            mx, my = mean(x), mean(y)
            vx, vy, cov = mean(x * x) - mx**2, mean(y * y) - my**2, mean(x * y) - mx * my
            factor = (2 * cov + 0.03**2) / (vx + vy + 0.03**2)
            if scale == 4:
                factor = factor * (2 * mx * my + 0.01**2) / (mx**2 + my**2 + 0.01**2)
            value *= max(factor.mean(), 0) ** weight
            h, w = x.shape[0] // 2 * 2, x.shape[1] // 2 * 2
            x, y = (z[:h, :w].reshape(h // 2, 2, w // 2, 2).mean((1, 3)) for z in (x, y))
        channels.append(value)
    return float(np.mean(channels))


@pytest.mark.parametrize("size", [(176, 176), (191, 203)])
def test_equals_its_definition(size):
    a = shapes(2, size, 0)
    b = to_8bit(a + 0.1 * torch.randn(a.shape, generator=torch.Generator().manual_seed(1)))
    expected = [reference(x, y) for x, y in zip(a, b, strict=True)]
    np.testing.assert_allclose(ms_ssim(a, b), expected, rtol=0, atol=1e-12)


def test_negative_factors_count_as_zero():
    a = to_8bit(torch.rand(1, 3, 176, 176, generator=torch.Generator().manual_seed(0)))
    assert ms_ssim(a, 1 - a).item() == 0


def test_images_below_176_pixels_are_na(no_evaluations):
    batch = make_batch(count=1, side=175)
    with pytest.raises(Unavailable, match=r"176 px on the shorter side, not 175"):
        MSSSIM().measure(batch.source, batch, no_evaluations)
