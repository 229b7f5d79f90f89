"""The face detector ``mediapipe``: Google's Face Landmarker, with a ``face_landmarker.task`` of the user's."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gath_bench.contracts import NO_WEIGHTS, Face, FaceDetectorInfo, file_hash, fingerprint
from gath_bench.errors import Unavailable
from gath_bench.faces import face_from_landmarks
from gath_bench.weights import find_weights, missing_weights
from gath_estimators.face_landmarker import detect, load_landmarker
from gath_estimators.known_weights import FACE_LANDMARKER

#: The face oval of MediaPipe's mesh from the image's left side at eye height to the chin, and on to the right side.
_LEFT_OVAL = (127, 234, 93, 132, 58, 172, 136, 150, 149, 176, 148, 152)
_RIGHT_OVAL = (152, 377, 400, 378, 379, 365, 397, 288, 361, 323, 454, 356)
#: Upper and lower edge of the brows, from the image's left to its right.
_BROWS = (
    (70, 63, 105, 66, 107, 336, 296, 334, 293, 300),
    (46, 53, 52, 65, 55, 285, 295, 282, 283, 276),
)
#: Nose, eyes and mouth: landmarks 27 to 67.
_INNER = (
    *(168, 197, 5, 4, 98, 97, 2, 326, 327),
    *(33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380),
    *(61, 40, 37, 0, 267, 270, 291, 321, 314, 17, 84, 91),
    *(78, 81, 13, 311, 308, 402, 14, 178),
)
#: Corrections of jaw line (landmarks 0 to 8) and left brow (17 to 21), whose points have no counterpart in the mesh:
#: medians over procedural faces with known landmarks, by `tests/estimators/detectors/fit_mediapipe.py`. Along and
#: across the line between the eyes (right, down), over the distance of the eyes; mirrored for the other side.
_JAW_CORRECTION = (
    (-0.004, 0.048),
    (0.008, 0.191),
    (0.044, 0.267),
    (0.089, 0.285),
    (0.127, 0.251),
    (0.138, 0.180),
    (0.140, 0.099),
    (0.136, 0.013),
    (0.000, -0.019),
)
_BROW_CORRECTION = ((0.155, -0.071), (0.181, -0.031), (0.173, 0.012), (0.121, 0.016), (0.019, -0.018))


def to_ibug(mesh: Tensor) -> Tensor:
    """The 478 points of MediaPipe's face mesh -> 68 landmarks in iBUG order, as the detector ``synthfaces`` gives them.

    The jaw line is the mesh's oval, resampled at equal distances, and a brow is the middle between its edges; both are
    then corrected. The other points have a counterpart in the mesh.

    Args:
        mesh: (478, 2), in pixels.
    """
    left, right = _resample(mesh[list(_LEFT_OVAL)], 9), _resample(mesh[list(_RIGHT_OVAL)], 9)
    brows = (mesh[list(_BROWS[0])] + mesh[list(_BROWS[1])]) / 2
    landmarks = torch.cat([left, right[1:], brows, mesh[list(_INNER)]])
    eyes = landmarks[42:48].mean(0) - landmarks[36:42].mean(0)
    across = torch.stack([-eyes[1], eyes[0]])
    contour = _mirrored(_JAW_CORRECTION, shared=True) + _mirrored(_BROW_CORRECTION, shared=False)
    correction = torch.tensor(contour, dtype=mesh.dtype, device=mesh.device)
    landmarks[: len(contour)] += correction[:, :1] * eyes + correction[:, 1:] * across
    return landmarks


def _mirrored(side: Sequence[tuple[float, float]], *, shared: bool) -> list[tuple[float, float]]:
    """The points of one side and those of the other; the last one is on the axis if it is shared."""
    return [*side, *((-x, y) for x, y in reversed(side[:-1] if shared else side))]


def _resample(line: Tensor, count: int) -> Tensor:
    """``count`` points at equal distances along a polyline (N, 2), both ends included."""
    lengths = (line[1:] - line[:-1]).norm(dim=1)
    along = torch.cat([lengths.new_zeros(1), lengths.cumsum(0)])
    wanted = torch.linspace(0, 1, count, dtype=line.dtype) * along[-1]
    after = torch.searchsorted(along, wanted).clamp(1, len(line) - 1)
    share = (wanted - along[after - 1]) / (along[after] - along[after - 1]).clamp(min=1e-9)
    return line[after - 1] + (line[after] - line[after - 1]) * share[:, None]


class MediaPipeDetector:
    """MediaPipe's Face Landmarker (implements the ``FaceDetector`` contract). It runs on the CPU.

    The confidence is 1 for every face: the Face Landmarker does not report one.

    Args:
        weights: path of ``face_landmarker.task``; by default the search order of `gath_bench.weights`.
        faces: the largest number of faces per image.
        threshold: least confidence of detection and of presence, in [0, 1].
    """

    def __init__(self, *, weights: Path | None = None, faces: int = 10, threshold: float = 0.5) -> None:
        self._given, self._faces, self._threshold = weights, faces, threshold
        self._landmarker: Any = None

    @property
    def path(self) -> Path | None:
        """The weights file, or None if it is missing."""
        return find_weights(FACE_LANDMARKER, self._given)

    @cached_property
    def info(self) -> FaceDetectorInfo:
        path = self.path
        known = fingerprint(file_hash(path), f"{self._faces},{self._threshold}") if path else NO_WEIGHTS
        return FaceDetectorInfo(known, frozenset({"photo"}))

    def to(self, device: str) -> MediaPipeDetector:
        """The detector itself; it always runs on the CPU."""
        return self

    def detect(self, images: Sequence[Tensor]) -> list[list[Face]]:
        """Faces of each image, the largest first.

        Raises:
            Unavailable: the weights are missing or cannot be read.
        """
        return [self._detect(image) for image in images]

    def _detect(self, image: Tensor) -> list[Face]:
        if self._landmarker is None:
            self._landmarker = self._load()
        height, width = image.shape[-2:]
        faces = []
        for points in detect(self._landmarker, image).face_landmarks:
            # Normalised coordinates count from the image's edge, pixels from the first pixel's centre.
            mesh = torch.tensor([(p.x * width - 0.5, p.y * height - 0.5) for p in points])
            faces.append(face_from_landmarks(to_ibug(mesh), 1.0))
        return sorted(faces, key=lambda face: -face.area)

    def _load(self) -> Any:
        if self.path is None:
            raise Unavailable(f"the face detector 'mediapipe' {missing_weights(FACE_LANDMARKER)}")
        return load_landmarker(self.path, faces=self._faces, threshold=self._threshold)
