"""ssim, psnr and ms-ssim equal torchmetrics within 1e-5, on the same pixels.

torchmetrics averages SSIM over the whole image, whose borders are reflected, and averages the channels of MS-SSIM
within each scale. This package takes the pixels with a complete window, and averages the values of the channels.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from gath_metrics.gaussian_window import RADIUS
from gath_metrics.ms_ssim import ms_ssim
from gath_metrics.psnr import psnr
from gath_metrics.ssim import ssim
from metrics.helpers import shapes
from torch import Tensor
from torchmetrics.functional.image import peak_signal_noise_ratio, structural_similarity_index_measure
from torchmetrics.functional.image.ssim import _ssim_update

from gath_bench.images import to_8bit

LEVELS = pytest.mark.parametrize("level", [0.02, 0.2])
WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


def pair(size: int, level: float) -> tuple[Tensor, Tensor]:
    a = shapes(2, size, 0)
    return a, to_8bit(a + level * torch.randn(a.shape, generator=torch.Generator().manual_seed(1)))


def inside(image: Tensor) -> Tensor:
    """The mean over the pixels with a complete window, (B, C)."""
    return image[..., RADIUS:-RADIUS, RADIUS:-RADIUS].mean((2, 3))


@LEVELS
def test_psnr(level: float) -> None:
    a, b = pair(96, level)
    theirs = peak_signal_noise_ratio(b, a, data_range=1.0, dim=(1, 2, 3), reduction="none")
    np.testing.assert_allclose(psnr(b, a), theirs, rtol=0, atol=1e-5)


@LEVELS
def test_ssim(level: float) -> None:
    a, b = pair(96, level)
    _, theirs = structural_similarity_index_measure(
        b, a, data_range=1.0, reduction="none", return_full_image=True
    )
    np.testing.assert_allclose(ssim(b, a), inside(theirs).mean(1), rtol=0, atol=1e-5)


@LEVELS
def test_ms_ssim(level: float) -> None:
    a, b = pair(180, level)
    expected = ms_ssim(b, a)
    values = torch.ones(2, 3, dtype=torch.float64)
    for scale, weight in enumerate(WEIGHTS):
        for channel in range(3):
            one = [x[:, channel, None].double() for x in (b, a)]
            if scale == len(WEIGHTS) - 1:
                _, full = _ssim_update(*one, data_range=1.0, return_full_image=True)
                factor = inside(full)[:, 0]
            else:
                _, factor = _ssim_update(*one, data_range=1.0, return_contrast_sensitivity=True)
            values[:, channel] *= factor.clamp_min(0) ** weight
        a, b = F.avg_pool2d(a, 2), F.avg_pool2d(b, 2)
    np.testing.assert_allclose(expected, values.mean(1), rtol=0, atol=1e-5)
