"""The face mask of landmarks."""

from __future__ import annotations

import pytest
import torch
from faces.helpers import face_at

from gath_bench import Unavailable
from gath_bench.faces import hull_mask


def test_without_margin_and_forehead_it_is_the_hull_of_the_landmarks() -> None:
    """Against scipy's Delaunay triangulation, which knows nothing of half planes."""
    from scipy.spatial import Delaunay

    face = face_at(60.0, 50.0, 30.0, 0.3)
    mask = hull_mask(face.landmarks, 120, 140, forehead=0.0, margin=0.0)[0]
    y, x = torch.meshgrid(torch.arange(120.0), torch.arange(140.0), indexing="ij")
    inside = (
        Delaunay(face.landmarks.numpy()).find_simplex(torch.stack([x, y], -1).reshape(-1, 2).numpy()) >= 0
    )
    assert (mask.flatten() != torch.from_numpy(inside)).sum() <= 4  # pixels on an edge


def test_it_encloses_the_face_and_the_forehead() -> None:
    face = face_at(200.0, 150.0, 60.0, 0.4)
    mask = hull_mask(face.landmarks, 400, 400)[0]
    x, y = face.landmarks.round().long().unbind(1)
    assert mask[y, x].all()
    up = face.landmarks[17:27].mean(0) - face.landmarks[8]
    fx, fy = (face.landmarks[17:27].mean(0) + 0.45 * up).round().long().tolist()
    assert mask[fy, fx]
    assert not mask[0, 0]
    assert not mask[399, 399]


def test_it_grows_with_the_margin() -> None:
    face = face_at(200.0, 150.0, 60.0, 0.0)
    small, large = (hull_mask(face.landmarks, 400, 400, margin=m) for m in (0.0, 0.3))
    assert (large | ~small).all()
    assert large.sum() > small.sum()


def test_faces_at_or_beyond_the_edge() -> None:
    assert hull_mask(face_at(0.0, 0.0, 60.0, 0.0).landmarks, 100, 100).any()
    assert not hull_mask(face_at(900.0, 900.0, 60.0, 0.0).landmarks, 100, 100).any()


def test_too_few_landmarks_are_refused() -> None:
    few = torch.full((68, 2), torch.nan)
    few[36] = 1.0
    with pytest.raises(Unavailable, match="brows and jaw"):
        hull_mask(few, 10, 10)
    with pytest.raises(Unavailable, match="on a line"):
        hull_mask(torch.arange(68.0)[:, None].expand(68, 2), 10, 10)
