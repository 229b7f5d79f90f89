"""The face detector ``dlib``: its HOG detector, and the 5-point file of ``face-recognition-models``.

The 68-point file of that package is not used: it was trained on 300-W, whose licence excludes commercial use.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gath_bench.contracts import LANDMARKS, NO_WEIGHTS, Face, FaceDetectorInfo, file_hash, fingerprint
from gath_bench.errors import Unavailable
from gath_estimators.dlib_models import model_file

FILE = "shape_predictor_5_face_landmarks.dat"
#: The file's points -> iBUG landmarks. It names the sides of the person: the image's right eye comes first.
POINTS = (45, 42, 36, 39, 33)


class DlibDetector:
    """dlib's frontal face detector with five landmarks (implements the ``FaceDetector`` contract); on the CPU.

    The landmarks are the corners of the eyes and the base of the nose; the other 63 are NaN.

    Args:
        upsample: how often the image is doubled before the search; 1 finds faces from about 40 pixels on.
        threshold: least score of the detector.
        longest: larger images are reduced to this length of the longer side, in pixels.
    """

    def __init__(self, *, upsample: int = 1, threshold: float = 0.0, longest: int = 1024) -> None:
        self._upsample, self._threshold, self._longest = upsample, threshold, longest
        self._parts: tuple[Any, Any] | None = None

    @property
    def path(self) -> Path | None:
        """The landmark file, or None if its package is not installed."""
        return model_file(FILE)

    @cached_property
    def info(self) -> FaceDetectorInfo:
        path = self.path
        settings = f"{self._upsample},{self._threshold},{self._longest}"
        known = fingerprint(file_hash(path), settings) if path else NO_WEIGHTS
        return FaceDetectorInfo(known, frozenset({"photo"}), tuple(sorted(POINTS)))

    def to(self, device: str) -> DlibDetector:
        """The detector itself; it always runs on the CPU."""
        return self

    def detect(self, images: Sequence[Tensor]) -> list[list[Face]]:
        """Faces of each image, the largest first.

        Raises:
            Unavailable: the package with the landmark file is missing.
        """
        if self._parts is None:
            self._parts = self._load()
        return [self._detect(image, *self._parts) for image in images]

    def _detect(self, image: Tensor, detector: Any, predictor: Any) -> list[Face]:
        from gath_bench.images import resize

        height, width = image.shape[-2:]
        factor = min(1.0, self._longest / max(height, width))
        small = resize(image, (max(1, round(height * factor)), max(1, round(width * factor))))
        pixels = (small.detach().cpu().clamp(0, 1) * 255).round().byte().permute(1, 2, 0).contiguous().numpy()
        scale = torch.tensor([width / small.shape[-1], height / small.shape[-2]])
        boxes, scores, _ = detector.run(pixels, self._upsample, self._threshold)
        faces = []
        for box, score in zip(boxes, scores, strict=True):
            shape = predictor(pixels, box)
            landmarks = torch.full((LANDMARKS, 2), torch.nan)
            for i, index in enumerate(POINTS):
                point = shape.part(i)
                landmarks[index] = (torch.tensor([float(point.x), float(point.y)]) + 0.5) * scale - 0.5
            left, top = ((torch.tensor([float(box.left()), float(box.top())]) + 0.5) * scale - 0.5).tolist()
            right, bottom = (
                (torch.tensor([float(box.right()), float(box.bottom())]) + 0.5) * scale - 0.5
            ).tolist()
            # The score is a signed distance from the separating plane; about 2 for a clear frontal face.
            faces.append(Face(left, top, right, bottom, landmarks, min(max(0.5 + score / 4, 0.0), 1.0)))
        return sorted(faces, key=lambda face: -face.area)

    def _load(self) -> tuple[Any, Any]:
        import dlib

        if self.path is None:
            raise Unavailable(
                f"the face detector 'dlib' needs {FILE} of the package face-recognition-models: "
                "pip install 'gath-bench[photo]'"
            )
        return dlib.get_frontal_face_detector(), dlib.shape_predictor(str(self.path))
