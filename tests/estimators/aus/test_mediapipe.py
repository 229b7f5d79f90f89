"""The AU estimator ``mediapipe``: values, coverage and what is said when something is missing."""

from __future__ import annotations

import os
import re
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from gath_estimators.aus import mediapipe as module
from gath_estimators.aus.mediapipe import CONSTANT, MediaPipeAUs
from gath_estimators.known_weights import FACE_LANDMARKER

from gath_bench import Unavailable, UsageError
from gath_bench.au import apply, find_map, get_space
from gath_bench.contracts import NO_WEIGHTS, AUEstimator
from gath_bench.weights import find_weights

#: The landmarks that the blendshape network gets, as in MediaPipe's face_blendshapes_graph.cc.
SUBSET = (
    *(0, 1, 4, 5, 6, 7, 8, 10, 13, 14, 17, 21, 33, 37, 39, 40, 46, 52, 53, 54, 55, 58, 61, 63, 65, 66, 67),
    *(70, 78, 80, 81, 82, 84, 87, 88, 91, 93, 95, 103, 105, 107, 109, 127, 132, 133, 136, 144, 145, 146),
    *(148, 149, 150, 152, 153, 154, 155, 157, 158, 159, 160, 161, 162, 163, 168, 172, 173, 176, 178, 181),
    *(185, 191, 195, 197, 234, 246, 249, 251, 263, 267, 269, 270, 276, 282, 283, 284, 285, 288, 291, 293),
    *(295, 296, 297, 300, 308, 310, 311, 312, 314, 317, 318, 321, 323, 324, 332, 334, 336, 338, 356, 361),
    *(362, 365, 373, 374, 375, 377, 378, 379, 380, 381, 382, 384, 385, 386, 387, 388, 389, 390, 397, 398),
    *(400, 402, 405, 409, 415, 454, 466, *range(468, 478)),
)
LABELS = get_space("arkit52").labels


class FakeLandmarker:
    """Two faces, the larger one second, in images that are not black."""

    def detect(self, image: Any) -> SimpleNamespace:
        if not image.numpy_view().any():
            return SimpleNamespace(face_landmarks=[], face_blendshapes=[])
        sizes = (0.1, 0.5)
        points = [[SimpleNamespace(x=0.2, y=0.2), SimpleNamespace(x=0.2 + s, y=0.2 + s)] for s in sizes]
        shapes = [
            [
                SimpleNamespace(category_name=label, score=face / 2 + number / 200)
                for number, label in enumerate(LABELS)
            ]
            for face in range(2)
        ]
        return SimpleNamespace(face_landmarks=points, face_blendshapes=shapes)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> MediaPipeAUs:
    pytest.importorskip("mediapipe")
    path = tmp_path / "face_landmarker.task"
    path.write_bytes(b"weights")
    monkeypatch.setattr(module, "load_landmarker", lambda path, **_: FakeLandmarker())
    return MediaPipeAUs(weights=path)


def real() -> MediaPipeAUs:
    pytest.importorskip("mediapipe")
    if find_weights(FACE_LANDMARKER) is None:
        pytest.skip("face_landmarker.task is not installed: gath-bench weights get face-landmarker")
    return MediaPipeAUs()


def astronaut() -> torch.Tensor:
    from skimage import data

    return torch.from_numpy(data.astronaut().copy()).permute(2, 0, 1).float() / 255


def test_the_largest_face_is_measured_and_an_image_without_one_is_missing(fake: MediaPipeAUs) -> None:
    assert isinstance(fake, AUEstimator)
    features = fake(torch.stack([torch.rand(3, 16, 16), torch.zeros(3, 16, 16)]))
    assert dict(features.missing) == {1: "MediaPipe found no face"}
    values = features.values
    assert isinstance(values, torch.Tensor)
    number = LABELS.index("jawOpen")
    assert values[0, number] == pytest.approx(0.5 + number / 200)
    assert values[1].isnan().all()


def test_constant_blendshapes_leave_their_aus_uncovered(fake: MediaPipeAUs) -> None:
    values = fake(torch.rand(1, 3, 16, 16)).values
    assert isinstance(values, torch.Tensor)
    assert {label for label, v in zip(LABELS, values[0], strict=True) if v.isnan()} == set(CONSTANT)
    openface = get_space("openface17").labels
    mapped = apply(find_map("arkit52", "openface17"), values)[0]
    assert {label for label, v in zip(openface, mapped, strict=True) if v.isnan()} == {"AU06", "AU09"}


def test_the_fingerprint_covers_weights_and_parameters(fake: MediaPipeAUs, tmp_path: Path) -> None:
    other = tmp_path / "other.task"
    other.write_bytes(b"other weights")
    path = tmp_path / "face_landmarker.task"
    given = [
        fake,
        MediaPipeAUs(weights=other),
        MediaPipeAUs(weights=path, faces=1),
        MediaPipeAUs(weights=path, threshold=0.4),
    ]
    assert len({estimator.info.fingerprint for estimator in given}) == 4
    assert MediaPipeAUs(weights=path).info == fake.info
    assert fake.info.domains == {"photo"}


def test_missing_weights_are_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GATH_BENCH_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    estimator = MediaPipeAUs()
    assert estimator.info.fingerprint == NO_WEIGHTS
    with pytest.raises(Unavailable, match="gath-bench weights get face-landmarker"):
        estimator(torch.rand(1, 3, 16, 16))
    with pytest.raises(UsageError, match="there is no weights file"):
        MediaPipeAUs(weights=tmp_path / "nothing.task")


def test_a_damaged_file_is_one_sentence(tmp_path: Path) -> None:
    pytest.importorskip("mediapipe")
    path = tmp_path / "face_landmarker.task"
    path.write_bytes(b"no weights")
    with pytest.raises(Unavailable, match="cannot be used by MediaPipe"):
        MediaPipeAUs(weights=path)(torch.rand(1, 3, 16, 16))


def test_values_of_an_image_do_not_depend_on_the_batch() -> None:
    estimator, image = real(), astronaut()
    images = torch.stack([image.flip(-1), image, torch.zeros_like(image)])
    together = estimator(images)
    alone = estimator(images[1:2])
    assert isinstance(together.values, torch.Tensor)
    assert isinstance(alone.values, torch.Tensor)
    assert torch.equal(together.values[1].nan_to_num(-1), alone.values[0].nan_to_num(-1))
    assert set(together.missing) == {2}
    assert alone.values[0, LABELS.index("mouthSmileLeft")] > 0.5  # she smiles


def run_blendshapes(points: np.ndarray) -> np.ndarray:
    """The blendshape network alone, by another runtime: 478 points in pixels (478, 2) -> 52 scores."""
    interpreter_of = pytest.importorskip("ai_edge_litert.interpreter").Interpreter
    path = find_weights(FACE_LANDMARKER)
    if path is None:
        pytest.skip("face_landmarker.task is not installed: gath-bench weights get face-landmarker")
    interpreter = interpreter_of(model_content=zipfile.ZipFile(path).read("face_blendshapes.tflite"))
    interpreter.allocate_tensors()
    interpreter.set_tensor(
        interpreter.get_input_details()[0]["index"], points[list(SUBSET)].astype(np.float32)[None]
    )
    interpreter.invoke()
    scores: np.ndarray = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    return scores


def test_the_blendshape_network_reproduces_the_golden_output() -> None:
    folder = os.environ.get("GATH_BENCH_SAMPLES")
    if not folder:
        pytest.skip("GATH_BENCH_SAMPLES does not name a folder with MediaPipe's golden files")
    given = (Path(folder) / "face_blendshapes_in_landmarks.prototxt").read_text()
    wanted = (Path(folder) / "face_blendshapes_out.prototxt").read_text()
    x, y = (np.array([float(v) for v in re.findall(rf"\b{axis}: (\S+)", given)]) for axis in "xy")
    scores = run_blendshapes(np.stack([x * 820, y * 1024], 1))
    golden = [float(v) for v in re.findall(r"score: (\S+)", wanted)]
    assert tuple(re.findall(r'label: "(\w+)"', wanted)) == LABELS
    assert np.abs(scores - golden).max() < 1e-5


def test_the_estimator_gives_what_the_network_gives_for_its_landmarks() -> None:
    estimator, image = real(), astronaut()
    values = estimator(image[None]).values
    assert isinstance(values, torch.Tensor)
    (points,) = module.detect(estimator._landmarker, image).face_landmarks
    scores = run_blendshapes(np.array([(p.x * image.shape[2], p.y * image.shape[1]) for p in points]))
    covered = ~values[0].isnan()
    assert int(covered.sum()) == len(LABELS) - len(CONSTANT)
    assert np.abs(values[0].numpy() - scores)[covered.numpy()].max() < 1e-5
