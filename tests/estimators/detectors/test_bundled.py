"""The bundled detector on faces whose landmarks are known, on a photo, and where there is no face."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from gath_datasets.synthfaces.landmarked import landmarked_batch
from gath_estimators.detectors.bundled import FILE, INDEX, WEIGHTS, SynthFacesDetector, _rotate
from torch import Tensor

from gath_bench import Unavailable
from gath_bench.contracts import NO_WEIGHTS, Face, FaceDetector, LandmarkedBatch
from gath_bench.images import resize

#: Steps of the landmark stream beyond every training.
HELD_OUT = 1 << 20


@pytest.fixture(scope="module")
def detector() -> SynthFacesDetector:
    return SynthFacesDetector()


@pytest.fixture(scope="module")
def portraits() -> LandmarkedBatch:
    return landmarked_batch(batch_size=16, seed=5, step=HELD_OUT, size=256)


@pytest.fixture(scope="module")
def astronaut() -> Tensor:
    from skimage import data

    return torch.from_numpy(data.astronaut().copy()).permute(2, 0, 1).float() / 255


def error(face: Face, landmarks: Tensor) -> float:
    """Mean landmark distance over the distance of the eyes."""
    eyes = (landmarks[36:42].mean(0) - landmarks[42:48].mean(0)).norm()
    return float((face.landmarks - landmarks).norm(dim=1).mean() / eyes)


def test_landmarks_of_procedural_faces(detector: SynthFacesDetector, portraits: LandmarkedBatch) -> None:
    found = detector.detect(list(portraits.images))
    errors = [
        error(faces[0], landmarks)
        for faces, landmarks in zip(found, portraits.landmarks, strict=True)
        if faces
    ]
    assert len(errors) >= 15
    assert sorted(errors)[len(errors) // 2] < 0.06


def test_an_image_does_not_depend_on_its_neighbours(
    detector: SynthFacesDetector, portraits: LandmarkedBatch
) -> None:
    alone = detector.detect([portraits.images[0]])[0]
    beside = detector.detect([portraits.images[1], portraits.images[0]])[1]
    assert [f.landmarks.tolist() for f in alone] == [f.landmarks.tolist() for f in beside]


def test_a_real_photo(detector: SynthFacesDetector, astronaut: Tensor) -> None:
    (faces,) = detector.detect([astronaut])
    (face,) = faces
    assert face.landmarks[36:42].mean(0).tolist() == pytest.approx([203, 101], abs=6)
    assert face.landmarks[42:48].mean(0).tolist() == pytest.approx([246, 103], abs=6)
    assert 0.5 <= face.confidence <= 1
    assert face.left < face.landmarks[36, 0] < face.landmarks[45, 0] < face.right


def test_size_and_colour_of_the_photo_do_not_matter(detector: SynthFacesDetector, astronaut: Tensor) -> None:
    """Huge, small and grey: the landmarks scale with the image."""
    (true,) = detector.detect([astronaut])[0]
    grey = astronaut.mean(0, keepdim=True).expand(3, -1, -1)
    for image, factor in (
        (resize(astronaut, 2560), 5.0),
        (resize(astronaut, 256), 0.5),
        (grey, 1.0),
    ):
        faces = detector.detect([image])[0]
        assert faces
        assert error(faces[0], true.landmarks * factor) < 0.1


def test_a_turned_photo_is_found_by_the_search_over_rotations(
    detector: SynthFacesDetector, astronaut: Tensor
) -> None:
    (upright,) = detector.detect([astronaut])[0]
    faces = detector.detect([astronaut.rot90(1, (1, 2))])[0]  # (x, y) -> (y, 511 - x)
    assert faces
    x, y = upright.landmarks.unbind(1)
    assert error(faces[0], torch.stack([y, 511 - x], 1)) < 0.1


def test_several_faces_come_largest_first(detector: SynthFacesDetector, portraits: LandmarkedBatch) -> None:
    small, large = resize(portraits.images[2], 128), portraits.images[3]
    image = torch.full((3, 300, 480), 0.5)
    image[:, 20:148, 20:148] = small
    image[:, 30:286, 200:456] = large
    faces = detector.detect([image])[0]
    assert len(faces) == 2
    assert faces[0].area > faces[1].area
    assert error(faces[0], portraits.landmarks[3] + torch.tensor([200.0, 30.0])) < 0.15


def test_no_face(detector: SynthFacesDetector) -> None:
    from skimage import data

    pictures = [
        torch.zeros(3, 200, 300),
        torch.rand(3, 128, 128, generator=torch.Generator().manual_seed(0)),
        torch.from_numpy(data.coffee().copy()).permute(2, 0, 1).float() / 255,
        torch.from_numpy(data.brick().copy())[None].expand(3, -1, -1).float() / 255,
    ]
    assert detector.detect(pictures) == [[], [], [], []]


def test_tiny_and_narrow_images(detector: SynthFacesDetector) -> None:
    sizes = ((1, 1), (3, 5), (8, 400), (400, 8), (31, 33))
    assert detector.detect([torch.full((3, h, w), 0.5) for h, w in sizes]) == [[]] * len(sizes)
    assert detector.detect([]) == []


def test_rotation_and_its_inverse() -> None:
    """A spot in the turned image lies where the map back says."""
    image = torch.zeros(3, 60, 90)
    image[:, 20, 70] = 1
    for angle in (0.4, 1.5707963, -2.0):
        turned, back = _rotate(image, angle)
        row, column = divmod(int(turned[0].argmax()), turned.shape[-1])
        assert back(torch.tensor([[float(column), float(row)]]))[0].tolist() == pytest.approx(
            [70, 20], abs=1.0
        )


def test_it_declares_itself(detector: SynthFacesDetector) -> None:
    assert isinstance(detector, FaceDetector)
    assert len(detector.info.fingerprint) == 64
    assert detector.info.landmarks == tuple(range(68))
    # Whatever changes the result changes the fingerprint.
    assert SynthFacesDetector(threshold=0.9).info.fingerprint != detector.info.fingerprint
    assert SynthFacesDetector(rotations=False).info.fingerprint != detector.info.fingerprint


def test_weights_are_small_and_checked(tmp_path: Path) -> None:
    assert (WEIGHTS / FILE).stat().st_size <= 8_000_000
    assert SynthFacesDetector(folder=tmp_path).info.fingerprint == NO_WEIGHTS
    with pytest.raises(Unavailable, match="train-face-detector"):
        SynthFacesDetector(folder=tmp_path).detect([torch.rand(3, 32, 32)])
    (tmp_path / FILE).write_bytes(b"damaged")
    (tmp_path / INDEX).write_text(json.dumps({FILE: {"sha256": "0" * 64}}))
    with pytest.raises(Unavailable, match="SHA-256 mismatch"):
        SynthFacesDetector(folder=tmp_path).detect([torch.rand(3, 32, 32)])


def test_all_parts_stay_on_their_device() -> None:
    """Without a GPU: fake tensors check that no operation mixes devices."""
    from gath_estimators.detectors.frames import fit_frames, shrink
    from gath_estimators.detectors.networks import CROP, LandmarkNetwork, ProposalNetwork
    from torch._subclasses.fake_tensor import FakeTensorMode

    from gath_bench.contracts import FaceEdit
    from gath_bench.faces import SimilarityTransform, apply_edit, extract, paste_back

    transform = SimilarityTransform(1.5, 0.2, 10.0, 12.0)
    with FakeTensorMode():
        with torch.device("cuda"):  # a fake module cannot be moved
            image = torch.rand(3, 200, 220)
            proposals, landmarks = ProposalNetwork().eval(), LandmarkNetwork().eval()
        crop = extract(image, transform, CROP)
        points, logits = landmarks(crop[None])
        frames = fit_frames(points, landmarks.shape)
        turned, back = _rotate(shrink(image, 2), 0.7)
        fields = FaceEdit(*(torch.zeros(1, c, 64, 64) for c in (2, 1, 3)))  # on the CPU: moved as needed
        made = (
            crop,
            points,
            logits,
            frames.to_image(points),
            turned,
            back(points),
            proposals(image[None, :, :192, :192]),
            apply_edit(image, fields, transform, CROP),
            paste_back(image, crop, transform),
        )
        assert {tensor.device.type for tensor in made} == {"cuda"}
