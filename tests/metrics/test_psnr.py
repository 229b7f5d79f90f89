"""psnr equals scikit-image below its limit."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from gath_metrics.psnr import PSNR, psnr
from metrics.helpers import make_batch, shapes
from skimage.metrics import peak_signal_noise_ratio

from gath_bench.images import to_8bit


@pytest.mark.parametrize("size", [(64, 64), (65, 97), (256, 256), (3, 1)])
@pytest.mark.parametrize("level", [0.003, 0.1, 1.0])
def test_equals_scikit_image(size, level):
    a = shapes(3, size, 0)
    b = to_8bit(a + level * torch.randn(a.shape, generator=torch.Generator().manual_seed(1)))
    pairs = zip(a.double().numpy(), b.double().numpy(), strict=True)
    expected = [peak_signal_noise_ratio(x, y, data_range=1.0) for x, y in pairs]
    np.testing.assert_allclose(psnr(a, b), expected, rtol=0, atol=1e-10)


def test_equal_images_have_100_db(no_evaluations):
    batch = make_batch()
    (measured,) = PSNR().measure(batch.target, batch, no_evaluations)
    assert measured.values.tolist() == [100.0] * len(batch)


def test_black_against_white_has_0_db():
    assert psnr(torch.zeros(1, 3, 4, 4), torch.ones(1, 3, 4, 4)).item() == 0
