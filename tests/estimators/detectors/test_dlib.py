"""The adapter for dlib."""

from __future__ import annotations

import pytest
import torch
from gath_estimators.detectors.dlib import DlibDetector

from gath_bench import Unavailable
from gath_bench.contracts import FaceDetector


def test_without_the_landmark_file_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("dlib")
    monkeypatch.setattr("gath_estimators.dlib_models.PACKAGE", "no_such_package")
    with pytest.raises(Unavailable, match=r"pip install 'gath-bench\[photo\]'"):
        DlibDetector().detect([torch.rand(3, 64, 64)])


def test_it_gives_five_landmarks_of_the_astronaut() -> None:
    pytest.importorskip("dlib")
    detector = DlibDetector()
    if detector.path is None:
        pytest.skip("face-recognition-models is not installed")
    from skimage import data

    from gath_bench.faces import SYNTHFACES, align

    assert isinstance(detector, FaceDetector)
    image = torch.from_numpy(data.astronaut().copy()).permute(2, 0, 1).float() / 255
    (faces,) = detector.detect([image])
    given = (~faces[0].landmarks.isnan().any(1)).nonzero().flatten().tolist()
    assert tuple(given) == detector.info.landmarks
    assert faces[0].landmarks[36].tolist() == pytest.approx([195, 100], abs=10)
    assert faces[0].landmarks[45].tolist() == pytest.approx([255, 103], abs=10)
    crop, _ = align(image, faces[0], SYNTHFACES, 128)
    assert crop.shape == (3, 128, 128)
    assert detector.detect([torch.zeros(3, 80, 80)]) == [[]]
