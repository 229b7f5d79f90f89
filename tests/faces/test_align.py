"""Alignment: the least-squares similarity, antialiasing, borders."""

from __future__ import annotations

import math

import pytest
import torch
from faces.helpers import SHAPE, face_at, pattern
from torch import Tensor

from gath_bench import Unavailable
from gath_bench.contracts import Face
from gath_bench.faces import (
    ARCFACE_112,
    MIRROR,
    SYNTHFACES,
    TEMPLATES,
    SimilarityTransform,
    align,
    align_all,
    estimate,
    extract,
    face_from_landmarks,
    named_points,
)


def points_in_crop(face: Face, transform: SimilarityTransform) -> dict[str, tuple[float, float]]:
    return {n: transform.invert(*p) for n, p in named_points(face.landmarks).items()}  # type: ignore[misc]


@pytest.mark.parametrize("angle", [0.0, math.radians(20), math.radians(-75), math.pi])
@pytest.mark.parametrize("template", TEMPLATES.values(), ids=lambda t: t.name)
def test_points_of_an_exact_face_come_to_lie_on_the_template(template: object, angle: float) -> None:
    """A face that is a similarity of the template is aligned without error, at any scale, position and roll."""
    assert template in (SYNTHFACES, ARCFACE_112)
    wanted = template.at(96)  # type: ignore[attr-defined]
    true = SimilarityTransform(3.7, angle, 512.0, 700.0)
    landmarks = torch.full((68, 2), torch.nan)
    from gath_bench.faces.points import POINTS

    for name in ("left_eye", "right_eye", "nose_tip", "nose_base", "left_mouth", "right_mouth"):
        if name in wanted:
            landmarks[list(POINTS[name])] = torch.tensor(true.apply(*wanted[name]))
    if "mouth" in wanted:
        landmarks[[48, 54, 62, 66]] = torch.tensor(true.apply(*wanted["mouth"]))
    found = estimate(face_from_landmarks(landmarks, 1.0), template, 96)  # type: ignore[arg-type]
    assert found.scale == pytest.approx(true.scale, rel=1e-5)
    assert math.remainder(found.angle - angle, 2 * math.pi) == pytest.approx(0, abs=1e-5)
    assert (found.dx, found.dy) == pytest.approx((true.dx, true.dy), abs=1e-2)


def test_estimate_is_least_squares() -> None:
    """No other similarity has a smaller sum of squared distances: checked against small changes in each direction."""
    face = face_at(300.0, 200.0, 80.0, 0.3)
    best = estimate(face, SYNTHFACES, 128)
    wanted, found = SYNTHFACES.at(128), named_points(face.landmarks)

    def cost(t: SimilarityTransform) -> float:
        return sum(math.dist(t.apply(*wanted[n]), found[n]) ** 2 for n in wanted)  # type: ignore[arg-type]

    for change in (1e-3, -1e-3):
        others = [
            SimilarityTransform(best.scale * (1 + change), best.angle, best.dx, best.dy),
            SimilarityTransform(best.scale, best.angle + change, best.dx, best.dy),
            SimilarityTransform(best.scale, best.angle, best.dx + 100 * change, best.dy),
            SimilarityTransform(best.scale, best.angle, best.dx, best.dy + 100 * change),
        ]
        # Scale and angle turn about the crop's origin; the optimum is joint, so each change alone is worse.
        assert all(cost(other) > cost(best) for other in others)


def test_a_detector_with_five_points_is_enough() -> None:
    """dlib's file gives the corners of the eyes and the nose's base."""
    whole = face_at(300.0, 200.0, 80.0, 0.2)
    few = torch.full((68, 2), torch.nan)
    for i in (36, 39, 42, 45, 33):
        few[i] = whole.landmarks[i]
    a = estimate(whole, SYNTHFACES, 128)
    b = estimate(face_from_landmarks(few, 1.0), SYNTHFACES, 128)
    assert b.scale == pytest.approx(a.scale, rel=0.1)
    assert b.angle == pytest.approx(a.angle, abs=0.05)


def test_too_few_points_is_one_sentence() -> None:
    few = torch.full((68, 2), torch.nan)
    few[33] = torch.tensor([5.0, 5.0])
    with pytest.raises(Unavailable, match="cannot be aligned to the template 'synthfaces'"):
        estimate(face_from_landmarks(few, 1.0), SYNTHFACES, 128)


def test_extract_with_the_identity_is_the_image() -> None:
    image = pattern(64, 64)
    assert (extract(image, SimilarityTransform(1.0, 0.0, 0.0, 0.0), 64) - image).abs().max() < 1e-5


def test_extract_agrees_with_a_smooth_function() -> None:
    """A crop of a function sampled on the image is that function sampled on the crop."""

    def f(x: Tensor, y: Tensor) -> Tensor:
        return (0.5 + 0.25 * torch.sin(x / 23) + 0.25 * torch.cos(y / 31))[None].expand(3, -1, -1)

    y, x = torch.meshgrid(torch.arange(500.0), torch.arange(400.0), indexing="ij")
    for scale in (0.5, 1.0, 1.7, 2.9):
        t = SimilarityTransform(scale, 0.4, 150.0, 100.0)
        v, u = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
        expected = f(*t.apply(u, v))  # type: ignore[arg-type]
        assert (extract(f(x, y), t, 64) - expected).abs().max() < 0.01, scale


def test_downscaling_does_not_alias() -> None:
    """A grating finer than a crop pixel becomes its mean; plain sampling would show a moire of full contrast."""
    stripes = (torch.arange(2000) % 2).float().expand(3, 2000, 2000)
    crop = extract(stripes, SimilarityTransform(2000 / 128, 0.3, 300.0, 10.0), 64)
    assert (crop - 0.5).abs().max() < 0.02


def test_cost_does_not_grow_with_the_image() -> None:
    """Only the region of the crop is filtered: values far away, even NaN, play no part."""
    image = torch.full((3, 1000, 1500), torch.nan)
    image[:, 300:700, 500:900] = 0.5
    crop = extract(image, SimilarityTransform(2.0, 0.2, 600.0, 400.0), 96)
    assert torch.equal(crop.isnan().any(), torch.tensor(False))
    assert crop.allclose(torch.tensor(0.5), atol=1e-4)


def test_beyond_the_edge_the_image_is_reflected() -> None:
    image = pattern(100, 100)
    crop = extract(image, SimilarityTransform(1.0, 0.0, -20.0, 0.0), 64)
    assert (crop[:, :, 20:] - image[:, :64, :44]).abs().max() < 1e-5
    assert (crop[:, :, :20] - image[:, :64, :20].flip(-1)).abs().max() < 1e-5


def test_crops_of_a_rotated_image_agree() -> None:
    """Rotating the image by 90 degrees and the face with it changes nothing in the crop."""
    image, face = pattern(300, 300), face_at(150.0, 140.0, 90.0, 0.1)
    turned = image.rot90(1, (1, 2))  # (x, y) -> (y, 299 - x)
    x, y = face.landmarks.unbind(1)
    a, _ = align(image, face, SYNTHFACES, 64)
    b, _ = align(turned, face_from_landmarks(torch.stack([y, 299 - x], 1), 1.0), SYNTHFACES, 64)
    assert (a - b).abs().max() < 1e-3


def test_align_all_is_align_for_each() -> None:
    images = [pattern(200, 240), pattern(320, 180)]
    faces = [face_at(120.0, 100.0, 60.0, 0.0), face_at(90.0, 160.0, 70.0, 0.3)]
    crops, transforms = align_all(images, faces, ARCFACE_112, 112)
    assert crops.shape == (2, 3, 112, 112)
    for crop, transform, image, face in zip(crops, transforms, images, faces, strict=True):
        one, t = align(image, face, ARCFACE_112, 112)
        assert torch.equal(one, crop)
        assert t == transform
    assert align_all([], [], SYNTHFACES, 64)[0].shape == (0, 3, 64, 64)


def test_mirror_is_an_involution_that_swaps_the_sides() -> None:
    assert [MIRROR[MIRROR[i]] for i in range(68)] == list(range(68))
    flipped = SHAPE[list(MIRROR)] * torch.tensor([-1.0, 1.0])
    assert (flipped - SHAPE).abs().max() < 0.02  # the mean shape is symmetric but for its sampling


def test_wrong_shape_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\(68, 2\)"):
        named_points(torch.zeros(5, 2))
