"""The way back: identity, exactness outside the crop, seams, resolution."""

from __future__ import annotations

import math

import pytest
import torch
from faces.helpers import face_at, pattern
from torch import Tensor

from gath_bench.contracts import FaceEdit
from gath_bench.faces import (
    SYNTHFACES,
    SimilarityTransform,
    align,
    apply_edit,
    apply_to_crop,
    extract,
    feather,
    paste_back,
)

SIZE = 64
PLACES = {
    "upright": face_at(200.0, 150.0, 60.0, 0.0),
    "turned by 20 degrees": face_at(200.0, 150.0, 60.0, math.radians(20)),
    "at the border": face_at(20.0, 15.0, 50.0, 0.1),
    "small": face_at(200.0, 150.0, 10.0, 0.0),
    "large": face_at(200.0, 120.0, 140.0, -0.3),
}
EVERYWHERE = pytest.mark.parametrize("face", PLACES.values(), ids=PLACES)


def still(size: int = SIZE) -> FaceEdit:
    return FaceEdit(
        torch.zeros(1, 2, size, size), torch.zeros(1, 1, size, size), torch.zeros(1, 3, size, size)
    )


def inside(transform: SimilarityTransform, height: int, width: int) -> Tensor:
    """Independent of the implementation: each pixel's position in the crop."""
    y, x = torch.meshgrid(
        torch.arange(height, dtype=torch.float64), torch.arange(width, dtype=torch.float64), indexing="ij"
    )
    u, v = transform.invert(x, y)
    return ((u >= -0.5) & (u <= SIZE - 0.5) & (v >= -0.5) & (v <= SIZE - 0.5)).bool()  # type: ignore[union-attr]


@EVERYWHERE
def test_an_identity_edit_gives_the_input_back(face: object) -> None:
    image = pattern(320, 400)
    crop, t = align(image, face, SYNTHFACES, SIZE)  # type: ignore[arg-type]
    assert torch.equal(apply_edit(image, still(), t, SIZE), image)
    assert (paste_back(image, crop, t) - image).abs().max() < 1e-6


@EVERYWHERE
def test_pixels_outside_the_crop_are_identical(face: object) -> None:
    image = pattern(320, 400)
    _crop, t = align(image, face, SYNTHFACES, SIZE)  # type: ignore[arg-type]
    g = torch.Generator().manual_seed(0)
    wild = FaceEdit(
        torch.randn(1, 2, SIZE, SIZE, generator=g),
        torch.ones(1, 1, SIZE, SIZE),
        torch.randn(1, 3, SIZE, SIZE, generator=g),
    )
    outside = ~inside(t, 320, 400)
    for result in (
        apply_edit(image, wild, t, SIZE),
        paste_back(image, torch.rand(3, SIZE, SIZE, generator=g), t),
    ):
        assert torch.equal(result[:, outside], image[:, outside])
        assert not torch.equal(result, image)
        assert result.min() >= 0
        assert result.max() <= 1


def test_round_trip_through_a_finer_crop() -> None:
    """A crop at the image's own resolution, pasted without help from the original's detail, is the image again."""
    image = pattern(320, 400)
    t = SimilarityTransform(0.5, 0.35, 150.0, 100.0)
    crop = extract(image, t, 200)
    other = torch.zeros_like(image)
    back = paste_back(other, crop, t, mask=torch.ones(1, 200, 200), match_colour=False)
    y, x = torch.meshgrid(torch.arange(320.0), torch.arange(400.0), indexing="ij")
    u, v = t.invert(x, y)
    deep = (u > 4) & (u < 195) & (v > 4) & (v < 195)  # type: ignore[operator]
    assert (back - image)[:, deep].abs().max() < 0.01


def test_an_edit_at_the_crops_resolution_is_the_models_own_result() -> None:
    """Where the crop is the image, both ways to apply the fields agree up to bicubic against bilinear sampling."""
    image = pattern(SIZE, SIZE)
    y, x = torch.meshgrid(torch.linspace(-1, 1, SIZE), torch.linspace(-1, 1, SIZE), indexing="ij")
    flow = 0.03 * torch.stack([torch.cos(2 * x), torch.sin(2 * y)])[None]
    mask = torch.exp(-4 * (x * x + y * y))[None, None]
    edit = FaceEdit(flow, mask, 0.3 * mask.expand(1, 3, SIZE, SIZE))
    expected = apply_to_crop(image[None], edit)[0]
    t = SimilarityTransform(1.0, 0.0, 0.0, 0.0)
    found = apply_edit(image, edit, t, SIZE, mask=torch.ones(1, SIZE, SIZE))
    assert (found - expected)[:, 3:-3, 3:-3].abs().max() < 0.02


@pytest.mark.parametrize("angle", [0.0, math.radians(20), math.radians(-90)])
def test_flow_is_in_shares_of_the_side_along_the_crops_axes(angle: float) -> None:
    """A constant flow of 0.1 to the crop's right fetches pixels 0.1 sides away, whatever the crop's roll and scale."""
    y, x = torch.meshgrid(torch.arange(300.0), torch.arange(300.0), indexing="ij")
    image = torch.stack([x / 300, y / 300, torch.full_like(x, 0.5)])
    t = SimilarityTransform(
        2.0,
        angle,
        150.0 - 64 * math.cos(angle) + 64 * math.sin(angle),
        150.0 - 64 * (math.sin(angle) + math.cos(angle)),
    )
    edit = still()
    edit.flow[:, 0] = 0.1
    moved = apply_edit(image, edit, t, SIZE, mask=torch.ones(1, SIZE, SIZE))
    step = 0.1 * 2.0 * SIZE / 300
    change = (moved - image)[:, 150, 150]
    assert change[0].item() == pytest.approx(step * math.cos(angle), abs=1e-3)
    assert change[1].item() == pytest.approx(step * math.sin(angle), abs=1e-3)


def test_a_large_photo_stays_sharp() -> None:
    """The added colour is smooth, the photo's own grain survives under it; a pasted crop of 64 pixels has none."""
    g = torch.Generator().manual_seed(0)
    image = (0.5 + 0.1 * torch.randn(3, 800, 800, generator=g)).clamp(0, 1)
    t = SimilarityTransform(10.0, 0.0, 80.0, 80.0)
    edit = still()
    edit.added.fill_(0.2)
    warped = apply_edit(image, edit, t, SIZE)[:, 350:450, 350:450]
    assert warped.std() > 0.09
    # What is opaque hides the detail below it.
    edit.opacity.fill_(1.0)
    assert apply_edit(image, edit, t, SIZE)[:, 350:450, 350:450].std() < 1e-3
    # A direct model that replaces every pixel: the old detail must be gone.
    pasted = paste_back(image, torch.zeros(3, SIZE, SIZE), t, match_colour=False)[:, 350:450, 350:450]
    assert pasted.abs().max() < 0.02
    # A direct model that changes nothing but the mouth: detail stays elsewhere.
    crop = extract(image, t, SIZE)
    crop[:, 44:52, 24:40] = 0
    kept = paste_back(image, crop, t)
    assert (kept - image)[:, 150:300, 150:700].abs().max() < 0.02


def test_colour_shift_of_a_model_is_removed() -> None:
    """A model that adds a constant to everything changes nothing; without the correction it would."""
    image = pattern(320, 400) * 0.8
    crop, t = align(image, PLACES["upright"], SYNTHFACES, SIZE)
    shifted = crop + 0.05
    assert (paste_back(image, shifted, t) - image).abs().max() < 0.005
    assert (paste_back(image, shifted, t, match_colour=False) - image).abs().max() > 0.04


def test_there_is_no_seam() -> None:
    """The result is continuous across the crop's border although the crop there is of another colour."""
    image = torch.full((3, 400, 400), 0.4)
    t = SimilarityTransform(4.0, math.radians(20), 120.0, 60.0)
    crop = torch.full((3, SIZE, SIZE), 0.9)
    edit = still()
    edit.added.fill_(0.5)
    for result in (paste_back(image, crop, t, match_colour=False), apply_edit(image, edit, t, SIZE)):
        steps = torch.maximum(result.diff(dim=1).abs().max(), result.diff(dim=2).abs().max())
        assert result.max() > 0.85
        assert steps < 0.04


def test_feather() -> None:
    mask = feather(SIZE)[0]
    assert mask[SIZE // 2, SIZE // 2] == 1
    assert mask[0].max() < 0.02
    assert torch.equal(mask, mask.T)
    assert torch.equal(mask, mask.flip(0))


def test_a_crop_beside_the_image_changes_nothing() -> None:
    image = pattern(50, 50)
    t = SimilarityTransform(1.0, 0.0, 500.0, 500.0)
    assert torch.equal(paste_back(image, torch.zeros(3, SIZE, SIZE), t), image)
    assert torch.equal(apply_edit(image, still(), t, SIZE), image)
