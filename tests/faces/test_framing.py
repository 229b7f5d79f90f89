"""Alignment of whole batches: fixed between known framings, detected otherwise, missing without a face."""

from __future__ import annotations

import pytest
import torch
from animation.toy_animation import make_face

from gath_bench.contracts import Face, FaceDetectorInfo
from gath_bench.errors import Unavailable
from gath_bench.faces import ARCFACE_112, SYNTHFACES, Framing, between, named_points
from gath_bench.images import to_8bit


class Detector:
    """The same faces in every image; counts the images that it saw."""

    info = FaceDetectorInfo("x", frozenset({"photo"}))

    def __init__(self, faces: list[list[Face]]) -> None:
        self.faces, self.seen = faces, 0

    def to(self, device: str) -> Detector:
        return self

    def detect(self, images) -> list[list[Face]]:
        self.seen += len(images)
        return self.faces[: len(images)]


def no_detector() -> Detector:
    raise AssertionError("known framings need no detector")


def test_a_fixed_transform_maps_template_to_template() -> None:
    transform = between(SYNTHFACES, 256, ARCFACE_112, 112)
    wanted = ARCFACE_112.at(112)
    for name, (x, y) in SYNTHFACES.at(256).items():
        if name in wanted:
            found = transform.invert(x, y)
            assert found == pytest.approx(wanted[name], abs=3)
    same = between(SYNTHFACES, 128, SYNTHFACES, 64)
    assert same.scale == pytest.approx(2)
    assert same.angle == pytest.approx(0, abs=1e-9)


def test_known_framings_are_aligned_without_a_detector() -> None:
    framing = Framing(SYNTHFACES, no_detector)
    assert not framing.differs(None)
    assert not framing.differs(SYNTHFACES)
    assert framing.differs(ARCFACE_112)
    aligned = framing.align(torch.rand(3, 3, 64, 64), ARCFACE_112, 112, "source")
    assert aligned.crops.shape == (3, 3, 112, 112)
    assert (aligned.positions, aligned.missing) == ([0, 1, 2], {})


def test_an_image_without_a_face_is_missing_with_that_reason() -> None:
    faces = [[make_face(60, 50, 20)], [], [make_face(40, 40, 12)]]
    detector = Detector(faces)
    framing = Framing(None, lambda: detector)
    images = torch.rand(3, 3, 100, 100)
    aligned = framing.align(images, SYNTHFACES, 64, "generated")
    assert aligned.positions == [0, 2]
    assert aligned.missing == {1: "no face was found in the generated image"}
    for transform, face in zip(aligned.transforms, (faces[0][0], faces[2][0]), strict=True):
        eye = named_points(face.landmarks)["left_eye"]
        assert transform.invert(*eye) == pytest.approx(SYNTHFACES.at(64)["left_eye"], abs=0.5)
    framing.align(images, ARCFACE_112, 112, "generated")
    assert detector.seen == 3  # the search is shared


def test_a_detector_that_works_in_place_changes_no_image() -> None:
    class InPlace(Detector):
        def detect(self, images) -> list[list[Face]]:
            for image in images:
                image.zero_()
            return super().detect(images)

    images = torch.rand(2, 3, 100, 100)
    before = images.clone()
    framing = Framing(None, lambda: InPlace([[make_face(60, 50, 20)], []]))
    assert framing.align(images, SYNTHFACES, 64, "source").crops.amax() > 0
    assert torch.equal(images, before)


def test_unchanged_crops_give_the_images_back() -> None:
    framing = Framing(None, lambda: Detector([[make_face(60, 50, 20)], []]))
    images = to_8bit(torch.rand(2, 3, 100, 100))
    aligned = framing.align(images, SYNTHFACES, 64, "source")
    assert torch.allclose(aligned.paste(images, aligned.crops), images, atol=1e-6)
    brighter = aligned.paste(images, (aligned.crops + 0.2).clamp(0, 1))
    assert torch.equal(brighter[1], images[1])
    assert torch.equal(brighter[0, :, :5, :5], images[0, :, :5, :5])  # outside the crop


def test_a_missing_detector_is_unavailable() -> None:
    def none() -> Detector:
        raise Unavailable("no weights")

    with pytest.raises(Unavailable, match="no weights"):
        Framing(None, none).align(torch.rand(1, 3, 32, 32), SYNTHFACES, 64, "source")
