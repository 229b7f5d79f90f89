"""ssim equals scikit-image."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from gath_metrics.ssim import SSIM, ssim
from hypothesis import given, settings
from hypothesis import strategies as st
from metrics.helpers import make_batch, shapes
from skimage.metrics import structural_similarity
from torch import Tensor

from gath_bench.errors import Unavailable
from gath_bench.images import to_8bit


def reference(a: Tensor, b: Tensor, dtype: str = "float64") -> list[float]:
    return [
        structural_similarity(
            x.numpy().astype(dtype),
            y.numpy().astype(dtype),
            channel_axis=0,
            data_range=1.0,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
        )
        for x, y in zip(a, b, strict=True)
    ]


@pytest.mark.parametrize("size", [(64, 64), (65, 97), (128, 128), (201, 131), (256, 256), (11, 12)])
def test_equals_scikit_image(size):
    a = shapes(2, size, 0)
    b = to_8bit(a + 0.1 * torch.randn(a.shape, generator=torch.Generator().manual_seed(1)))
    np.testing.assert_allclose(ssim(a, b), reference(a, b), rtol=0, atol=1e-12)
    np.testing.assert_allclose(ssim(a, b), reference(a, b, "float32"), rtol=0, atol=1e-5)


@given(height=st.integers(11, 40), width=st.integers(11, 40), seed=st.integers(0, 99), weight=st.floats(0, 1))
@settings(max_examples=25, deadline=None)
def test_equals_scikit_image_on_any_size(height, width, seed, weight):
    generator = torch.Generator().manual_seed(seed)
    a = to_8bit(torch.rand(2, 3, height, width, generator=generator))
    b = to_8bit(weight * a + (1 - weight) * torch.rand(2, 3, height, width, generator=generator))
    np.testing.assert_allclose(ssim(a, b), reference(a, b), rtol=0, atol=1e-12)


def test_constant_images_have_finite_values():
    flat = torch.full((1, 3, 16, 16), 0.3)
    assert ssim(flat, flat).item() == 1
    assert ssim(flat, flat + 0.2).item() < 1


def test_an_image_smaller_than_the_window_is_na(no_evaluations):
    batch = make_batch(side=10)
    with pytest.raises(Unavailable, match="11 pixels"):
        SSIM().measure(batch.source, batch, no_evaluations)
