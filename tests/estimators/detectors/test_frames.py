"""Frames of faces: the least-squares similarity, its inverse, and crops."""

from __future__ import annotations

import math

import numpy as np
import torch
from faces.helpers import SHAPE, face_at, pattern
from gath_estimators.detectors.frames import CROP_SCALE, Frames, crop_faces, fit_frames, mean_shape, shrink

UNIT = mean_shape(SHAPE[None])


def test_fit_agrees_with_skimage() -> None:
    from skimage.transform import SimilarityTransform

    noise = torch.randn(4, 68, 2, generator=torch.Generator().manual_seed(0))
    points = torch.stack([face_at(50 + 9 * i, 70.0, 20.0 + i, 0.3 * i).landmarks for i in range(4)]) + noise
    found = fit_frames(points, UNIT)
    for i in range(4):
        target = points[i].double().numpy()
        fitter = SimilarityTransform
        if hasattr(fitter, "from_estimate"):
            fitted = fitter.from_estimate(UNIT.double().numpy(), target)
        else:
            fitted = fitter()
            fitted.estimate(UNIT.double().numpy(), target)
        assert np.isclose(found.size[i].item(), fitted.scale, rtol=1e-4)
        assert np.isclose(math.atan2(found.sine[i], found.cosine[i]), fitted.rotation, atol=1e-4)
        assert np.allclose(found.centre[i].numpy(), fitted.translation, atol=1e-2)


def test_frames_are_invertible() -> None:
    frames = Frames(torch.tensor([[3.0, 4.0]]), torch.tensor([7.0]), torch.tensor([0.6]), torch.tensor([0.8]))
    points = torch.rand(1, 10, 2, generator=torch.Generator().manual_seed(0))
    assert frames.from_image(frames.to_image(points)).allclose(points, atol=1e-6)


def test_mean_shape_is_normalised() -> None:
    turned = torch.stack([face_at(9.0 * i, 5.0, 10.0 + i, 0.4 * i).landmarks for i in range(5)])
    shape = mean_shape(turned)
    assert (shape.amax(0) - shape.amin(0)).amax().item() == 1.0
    assert shape.mean(0).abs().max() < 1e-5
    # Faces that differ by similarities only have one shape; the first of them decides its roll.
    assert fit_frames(turned, shape).from_image(turned).std(0).max() < 1e-4


def test_a_crop_shows_the_face_upright_and_in_the_middle() -> None:
    """Landmarks drawn into the image reappear where the frame puts them."""
    face = face_at(150.0, 120.0, 40.0, 0.5)
    frames = fit_frames(face.landmarks[None], UNIT)
    y, x = torch.meshgrid(torch.arange(300.0), torch.arange(300.0), indexing="ij")
    wanted = frames.from_image(face.landmarks[None])[0] / (CROP_SCALE / 2)
    for index in (36, 45, 8):
        px, py = face.landmarks[index].tolist()
        image = torch.exp(-((x - px) ** 2 + (y - py) ** 2) / 8)[None].expand(3, -1, -1)
        crop = crop_faces(image, frames, 96)[0, 0]
        row, column = divmod(int(crop.argmax()), 96)
        there = (wanted[index] + 1) * 48 - 0.5
        assert math.dist((column, row), there.tolist()) < 1.0


def test_shrink_does_not_alias() -> None:
    stripes = (torch.arange(640) % 2).float().expand(3, 640, 640)
    assert (shrink(stripes, 6.4)[:, 2:-2, 2:-2] - 0.5).abs().max() < 0.05
    image = pattern(64, 80)
    assert shrink(image, 1.0) is image
