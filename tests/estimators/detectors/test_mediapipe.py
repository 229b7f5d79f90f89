"""The adapter for MediaPipe: the choice of its points, and what is said when something is missing."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from gath_estimators.detectors.mediapipe import MediaPipeDetector, to_ibug

from gath_bench import Unavailable
from gath_bench.contracts import NO_WEIGHTS, FaceDetector


def test_the_jaw_line_is_resampled_at_equal_distances() -> None:
    """A mesh whose oval lies on a line from (0, 0) to (11, 11): the half jaw has 9 points on it, ends included."""
    from gath_estimators.detectors.mediapipe import _LEFT_OVAL

    mesh = torch.zeros(478, 2)
    for i, index in enumerate(_LEFT_OVAL):
        mesh[index] = 11 * torch.tensor([i / 11, i / 11]) ** 1.5
    jaw = to_ibug(mesh)[:9]
    steps = jaw.diff(dim=0).norm(dim=1)
    assert jaw[0].tolist() == [0, 0]
    assert jaw[8].tolist() == pytest.approx([11, 11], abs=1e-4)
    assert steps.max() - steps.min() < 1e-4


def test_every_landmark_is_given() -> None:
    mesh = torch.randn(478, 2, generator=torch.Generator().manual_seed(0))
    points = to_ibug(mesh)
    assert points.shape == (68, 2)
    assert not points.isnan().any()
    assert points[36].tolist() == mesh[33].tolist()  # the outer corner of the eye on the image's left
    assert points[48].tolist() == mesh[61].tolist()
    assert points[54].tolist() == mesh[291].tolist()


def test_without_the_file_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("mediapipe")
    monkeypatch.setenv("GATH_BENCH_WEIGHTS", str(tmp_path))
    detector = MediaPipeDetector()
    assert isinstance(detector, FaceDetector)
    assert detector.info.fingerprint == NO_WEIGHTS
    with pytest.raises(Unavailable, match="set GATH_BENCH_WEIGHTS to its folder"):
        detector.detect([torch.rand(3, 64, 64)])


def test_a_damaged_file_is_one_sentence(tmp_path: Path) -> None:
    pytest.importorskip("mediapipe")
    path = tmp_path / "face_landmarker.task"
    path.write_bytes(b"no weights")
    with pytest.raises(Unavailable, match="cannot be used by MediaPipe"):
        MediaPipeDetector(weights=path).detect([torch.rand(3, 64, 64)])


def test_it_finds_the_astronaut() -> None:
    pytest.importorskip("mediapipe")
    detector = MediaPipeDetector()
    if detector.path is None:
        pytest.skip("GATH_BENCH_WEIGHTS does not name a folder with face_landmarker.task")
    from skimage import data

    image = torch.from_numpy(data.astronaut().copy()).permute(2, 0, 1).float() / 255
    (faces,) = detector.detect([image])
    (face,) = faces
    assert face.landmarks[36:42].mean(0).tolist() == pytest.approx([203, 101], abs=8)
    assert face.landmarks[36, 0] < face.landmarks[45, 0]
