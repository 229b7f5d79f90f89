"""background-psnr compares with the source outside the face."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from gath_metrics.background_psnr import BackgroundPSNR, background_psnr
from metrics.helpers import make_batch
from skimage.metrics import peak_signal_noise_ratio

from gath_bench.errors import Unavailable


def test_equals_scikit_image_on_the_background_alone():
    batch = make_batch()
    generated = make_batch(seed=5).source
    expected = []
    for g, s, m in zip(generated, batch.source, batch.face_mask, strict=True):
        outside = (m[0] <= 0.5).numpy()
        expected.append(
            peak_signal_noise_ratio(
                s.double().numpy()[:, outside], g.double().numpy()[:, outside], data_range=1.0
            )
        )
    values = background_psnr(generated, batch.source, batch.face_mask)
    np.testing.assert_allclose(values, expected, atol=1e-10)


def test_pixels_of_the_face_are_ignored():
    batch = make_batch()
    edited = torch.where(batch.face_mask > 0.5, 1 - batch.source, batch.source)
    assert background_psnr(edited, batch.source, batch.face_mask).tolist() == [100.0] * len(batch)


def test_the_reference_is_the_source_image(no_evaluations):
    batch = make_batch()
    moved = replace(batch, target=1 - batch.source)
    (measured,) = BackgroundPSNR().measure(moved.source, moved, no_evaluations)
    assert measured.values.tolist() == [100.0] * len(batch)


def test_a_mask_without_background_is_na(no_evaluations):
    batch = make_batch()
    mask = batch.face_mask.clone()
    mask[2] = 1
    (measured,) = BackgroundPSNR().measure(batch.source, replace(batch, face_mask=mask), no_evaluations)
    assert dict(measured.missing) == {2: "the face mask leaves no background"}


def test_without_a_mask_it_is_na(no_evaluations):
    batch = replace(make_batch(), face_mask=None)
    with pytest.raises(Unavailable, match="no face mask"):
        BackgroundPSNR().measure(batch.source, batch, no_evaluations)
