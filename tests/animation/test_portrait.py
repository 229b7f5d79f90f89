"""One photo: what is animated, at which resolution, and what is left alone."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from animation.conftest import noise
from animation.toy_animation import SMILE
from PIL import Image

from gath_bench.animation.model import PhotoModel
from gath_bench.animation.portrait import Portrait
from gath_bench.errors import UsageError


def smile(*levels: float) -> torch.Tensor:
    aus = torch.zeros(len(levels), 17)
    aus[:, SMILE] = torch.tensor(levels)
    return aus


def changed(portrait: Portrait, level: float = 1.0) -> np.ndarray:
    """Which pixels differ from the photo."""
    frame = np.asarray(next(portrait.frames(smile(level))))
    assert frame.shape == portrait.pixels.shape
    return (frame != portrait.pixels).any(-1)


@pytest.mark.parametrize("kind", ["warp", "direct"])
def test_only_the_face_crop_changes(kind: str, photo: Path, request: pytest.FixtureRequest) -> None:
    portrait = Portrait.prepare(photo, request.getfixturevalue(kind))
    (region,) = portrait.regions
    mask = changed(portrait)
    assert mask.any()
    rows, columns = np.nonzero(mask)
    middle = (150, 100)
    assert np.abs(columns - middle[0]).max() <= region.side / 2 + 16
    assert np.abs(rows - middle[1]).max() <= region.side / 2 + 16


@pytest.mark.parametrize("kind", ["warp", "direct"])
def test_asking_for_nothing_changes_nothing(kind: str, photo: Path, request: pytest.FixtureRequest) -> None:
    assert not changed(Portrait.prepare(photo, request.getfixturevalue(kind)), 0.0).any()


def test_a_flow_moves_the_pixels_of_the_photo_itself(warp: PhotoModel) -> None:
    """In the middle of the crop, where the mask is 1, the photo is shifted by a whole number of pixels."""
    photo = noise(400, 400)
    portrait = Portrait.prepare(photo, warp)
    (region,) = portrait.regions
    shift = region.side / 16
    level = 8 / shift  # 8 pixels
    frame = np.asarray(next(portrait.frames(smile(level)))).astype(int)
    before = np.asarray(photo).astype(int)
    middle = slice(190, 210)
    assert np.abs(frame[middle, middle] - before[middle, 182:202]).max() <= 2


def test_a_direct_model_keeps_the_detail_of_the_photo_where_it_adds_light(direct: PhotoModel) -> None:
    photo = noise(400, 400)
    portrait = Portrait.prepare(photo, direct)
    frame = np.asarray(next(portrait.frames(smile(0.1)))).astype(int)
    before = np.asarray(photo).astype(int)
    middle = slice(190, 210)
    added = frame[middle, middle] - before[middle, middle]
    assert np.abs(added - 0.02 * 255).max() <= 2


def test_frames_in_batches_equal_single_frames(warp: PhotoModel, photo: Path) -> None:
    portrait = Portrait.prepare(photo, warp)
    levels = [index / 20 for index in range(20)]
    whole = [np.asarray(frame) for frame in portrait.frames(smile(*levels))]
    assert len(whole) == 20
    for index in (0, 7, 8, 19):
        alone = np.asarray(next(portrait.frames(smile(levels[index]))))
        assert np.abs(alone.astype(int) - whole[index]).max() <= 1


def test_all_faces_or_the_largest(
    warp: PhotoModel, photo: Path, faces: list[tuple[float, float, float]]
) -> None:
    faces[:] = [(0.25, 0.5, 0.1), (0.75, 0.5, 0.08)]
    one = Portrait.prepare(photo, warp)
    assert one.notes == ("2 faces were found in me.png: the largest is animated (--all-faces takes all).",)
    assert changed(one)[:, :150].any()
    assert not changed(one)[:, 160:].any()
    both = Portrait.prepare(photo, warp, all_faces=True)
    assert both.notes == ()
    assert changed(both)[:, :150].any()
    assert changed(both)[:, 160:].any()


def test_overlapping_faces_keep_both_changes(
    direct: PhotoModel, photo: Path, faces: list[tuple[float, float, float]]
) -> None:
    faces[:] = [(0.4, 0.5, 0.1), (0.6, 0.5, 0.1)]
    both = changed(Portrait.prepare(photo, direct, all_faces=True))
    for x, y, eyes in list(faces):
        faces[:] = [(x, y, eyes)]
        alone = changed(Portrait.prepare(photo, direct))
        assert (both | ~alone).mean() > 0.999


def test_centre_and_none_look_for_no_face(warp: PhotoModel, faces: list[tuple[float, float, float]]) -> None:
    faces[:] = []
    centre = Portrait.prepare(noise(300, 200), warp, crop="centre")
    (region,) = centre.regions
    assert (region.side, region.face) == (200, None)
    mask = changed(centre)
    assert not mask[:, :49].any()
    assert not mask[:, 251:].any()
    assert mask[80:120, 130:170].mean() > 0.9
    whole = Portrait.prepare(noise(200, 200), warp, crop="none")
    assert changed(whole)[80:120, 80:120].mean() > 0.9
    with pytest.raises(UsageError, match="the image is 300 x 200, not square"):
        Portrait.prepare(noise(300, 200), warp, crop="none")


def test_the_crop_of_the_centre_is_that_of_a_resize(warp: PhotoModel) -> None:
    """A photo at the model's own size goes in as it is."""
    photo = noise(64, 64)
    (region,) = Portrait.prepare(photo, warp, crop="none").regions
    assert torch.equal(region.crop[0], torch.from_numpy(np.array(photo)).permute(2, 0, 1).float() / 255)


def test_size_reduces_a_larger_photo_and_leaves_a_smaller_one(warp: PhotoModel) -> None:
    assert Portrait.prepare(noise(300, 200), warp, size=150).pixels.shape == (100, 150, 3)
    assert Portrait.prepare(noise(300, 200), warp, size=600).pixels.shape == (200, 300, 3)


def test_a_portrait_photo_with_an_exif_orientation_comes_upright(warp: PhotoModel, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    noise(300, 200).save(tmp_path / "turned.jpg", exif=exif, quality=95)
    assert Portrait.prepare(tmp_path / "turned.jpg", warp).pixels.shape == (300, 200, 3)


def test_a_photo_of_thirty_megapixels(warp: PhotoModel, tmp_path: Path) -> None:
    """Only the rectangle around the face is worked on."""
    Image.new("RGB", (6708, 4472), (90, 120, 150)).save(tmp_path / "large.jpg")
    portrait = Portrait.prepare(tmp_path / "large.jpg", warp, size=None)
    assert portrait.pixels.shape == (4472, 6708, 3)
    assert next(portrait.frames(smile(0.5))).size == (6708, 4472)


def test_the_report_is_one_line(warp: PhotoModel, direct: PhotoModel, photo: Path) -> None:
    portrait = Portrait.prepare(photo, warp)
    line = portrait.report(1.25)
    (region,) = portrait.regions
    assert region.face is not None
    for part in (
        "me.png: face of",
        f"at ({region.face.left:.0f}, {region.face.top:.0f})",
        f"crop of {region.side:.0f} px",
        warp.key,
        "original pixels",
        "1.2 s",
    ):
        assert part in line
    assert "64 px result enlarged and blended" in Portrait.prepare(photo, direct).report(1)


def test_photos_that_cannot_be_animated_get_one_sentence(
    warp: PhotoModel, photo: Path, tmp_path: Path, faces: list[tuple[float, float, float]]
) -> None:
    noise().save(tmp_path / "moving.gif")
    (tmp_path / "clip.mp4").write_bytes(b"video")
    (tmp_path / "text.png").write_text("text")
    (tmp_path / "empty.png").touch()
    (tmp_path / "cut.png").write_bytes(photo.read_bytes()[: os.path.getsize(photo) // 2])
    for name, sentence in [
        ("moving.gif", "is an animation, and a portrait is one still photo"),
        ("clip.mp4", "is an animation"),
        ("text.png", "is not a PNG, JPEG or WebP image: give a photo as .png"),
        ("empty.png", "is empty"),
        ("cut.png", "is damaged"),
        ("none.png", "there is no file"),
    ]:
        with pytest.raises(UsageError, match=sentence) as caught:
            Portrait.prepare(tmp_path / name, warp)
        assert "\n" not in str(caught.value)
    faces[:] = []
    with pytest.raises(UsageError, match=r"no face was found in me\.png: .* or --crop centre"):
        Portrait.prepare(photo, warp)


def test_the_built_in_portrait_needs_no_file(
    warp: PhotoModel, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert Portrait.prepare("astronaut", warp).pixels.shape == (512, 512, 3)
    noise().save(tmp_path / "astronaut", format="PNG")
    assert Portrait.prepare("astronaut", warp).pixels.shape == (
        200,
        300,
        3,
    )  # a file of that name comes first
