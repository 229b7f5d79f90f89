"""Training data: labels follow the pixels through every transform."""

from __future__ import annotations

import math

import pytest
import torch
from faces.helpers import face_at
from gath_estimators.detectors import augment, data
from gath_estimators.detectors.data import CANVAS, RENDER, Pool, landmark_batch, proposal_batch
from gath_estimators.detectors.frames import mean_shape
from gath_estimators.detectors.networks import CROP, STRIDE

#: The landmark that the toy portraits show, and nothing else.
SHOWN = 30


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> Pool:
    """Black portraits with a bright spot at one landmark; augmentation of colours is off."""
    monkeypatch.setattr(data, "TEXTURES", 64)
    monkeypatch.setattr(augment, "degrade", lambda x: x)
    monkeypatch.setattr(augment, "occlude", lambda x, *_: x)
    monkeypatch.setattr(augment, "recolour", lambda x: x)
    faces = [face_at(80.0 + 2 * i, 72.0 + i, 26.0 + i, 0.05 * i).landmarks for i in range(4)]
    y, x = torch.meshgrid(torch.arange(RENDER), torch.arange(RENDER), indexing="ij")
    images = [
        (255 * torch.exp(-((x - f[SHOWN, 0]) ** 2 + (y - f[SHOWN, 1]) ** 2) / 12)).byte().expand(3, -1, -1)
        for f in faces
    ]
    points = torch.stack(faces)
    made = Pool(torch.stack(images), points, mean_shape(points), "toy")
    monkeypatch.setattr(
        augment.TextureBank, "draw", lambda self, count, side: torch.zeros(count, 3, side, side)
    )
    return made


def test_landmarks_follow_the_pixels_of_a_crop(pool: Pool) -> None:
    """Through roll, scale, shift, stretch and bend, the spot is where the landmark says."""
    torch.manual_seed(0)
    batch = landmark_batch(pool, 64)
    checked = 0
    for crop, points, face in zip(batch.crops, batch.points, batch.face, strict=True):
        x, y = ((points[SHOWN] + 1) * CROP / 2 - 0.5).tolist()
        if not face or not (4 < x < CROP - 4 and 4 < y < CROP - 4):
            continue
        row, column = divmod(int(crop[0].argmax()), CROP)
        assert math.dist((x, y), (column, row)) < 2.0
        checked += 1
    assert checked > 30


def test_boxes_follow_the_pixels_of_a_canvas(pool: Pool) -> None:
    """The spot is where the proposed frame puts it."""
    torch.manual_seed(0)
    batch = proposal_batch(pool, 48)
    checked = 0
    for image, target, boxes in zip(batch.images, batch.target, batch.boxes, strict=True):
        if not target.any():
            continue
        row, column = (int(v) for v in target.nonzero()[0])
        dx, dy, log_size, sine, cosine = boxes[:, row, column].tolist()
        size = 32 * 2**log_size
        ux, uy = (size * v for v in pool.shape[SHOWN].tolist())
        x = column * STRIDE + (STRIDE - 1) / 2 + dx * STRIDE + cosine * ux - sine * uy
        y = row * STRIDE + (STRIDE - 1) / 2 + dy * STRIDE + sine * ux + cosine * uy
        if not (8 < x < CANVAS - 8 and 8 < y < CANVAS - 8):
            continue
        near = image[0, max(0, int(y) - 8) : int(y) + 9, max(0, int(x) - 8) : int(x) + 9]
        far_row, far_column = divmod(int(near.argmax()), near.shape[1])
        assert near.max() > 0.3
        assert (
            math.dist((far_column + max(0, int(x) - 8), far_row + max(0, int(y) - 8)), (x, y))
            < 0.12 * size + 2
        )
        checked += 1
    assert checked > 12


def test_targets_are_only_where_faces_are_in_range(pool: Pool) -> None:
    torch.manual_seed(1)
    batch = proposal_batch(pool, 48)
    size = 32 * 2 ** batch.boxes[:, 2]
    positive = batch.target > 0
    assert positive.any()
    assert (size[positive] >= data.SMALLEST - 1e-3).all()
    assert (size[positive] <= data.LARGEST + 1e-3).all()
    assert (batch.weight[positive] == 1).all()
    assert (batch.boxes[:, 3:].norm(dim=1)[positive] - 1).abs().max() < 1e-5


def test_augmentation_keeps_range_and_shape() -> None:
    torch.manual_seed(0)
    x = torch.rand(16, 3, 96, 96)
    for made in (augment.degrade(x), augment.occlude(x, 1.0), augment.textures(16, 96)):
        assert made.shape == x.shape
        assert made.min() >= 0
        assert made.max() <= 1
        assert not made.isnan().any()


def test_compression_with_fine_steps_is_the_image() -> None:
    """The block transform is orthonormal: only the quantisation changes anything."""
    x = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    d = augment._dct()
    assert (d @ d.T - torch.eye(8)).abs().max() < 1e-5
    torch.manual_seed(0)
    assert 0 < (augment.compress(x) - x).abs().max() < 0.6
