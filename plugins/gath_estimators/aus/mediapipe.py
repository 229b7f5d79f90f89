"""The AU estimator ``mediapipe``: blendshapes of Google's Face Landmarker; needs ``face_landmarker.task``."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gath_bench.au import get_space
from gath_bench.contracts import NO_WEIGHTS, EvaluatorInfo, Features, file_hash, fingerprint
from gath_bench.errors import Unavailable
from gath_bench.weights import find_weights, missing_weights
from gath_estimators.face_landmarker import detect, load_landmarker
from gath_estimators.known_weights import FACE_LANDMARKER

SPACE = "arkit52"
#: Blendshapes that the network does not answer for: they stay below 0.01 on 796 frames of talking heads
#: (`docs/evaluators.md` has the command). Their value is NaN, which leaves AU06 and AU09 uncovered.
CONSTANT = (
    "_neutral",
    "cheekPuff",
    "cheekSquintLeft",
    "cheekSquintRight",
    "jawForward",
    "noseSneerLeft",
    "noseSneerRight",
)
NO_FACE = "MediaPipe found no face"


class MediaPipeAUs:
    """52 blendshape scores of the largest face (implements the ``AUEstimator`` contract). It runs on the CPU.

    The scores are in the AU space ``arkit52``, and metrics map them to the space of the data set (`gath_bench.au`). The
    blendshapes of ``CONSTANT`` are NaN: not covered. The Face Landmarker finds the face itself, so images are passed on
    as they are; an image without a face has no values.

    Args:
        weights: path of ``face_landmarker.task``; by default the search order of `gath_bench.weights`.
        faces: the largest number of faces per image; the largest one is measured.
        threshold: least confidence of detection and of presence, in [0, 1].
    """

    def __init__(self, *, weights: Path | None = None, faces: int = 5, threshold: float = 0.5) -> None:
        self._path = find_weights(FACE_LANDMARKER, weights)
        self._faces, self._threshold = faces, threshold
        self._landmarker: Any = None

    @cached_property
    def info(self) -> EvaluatorInfo:
        """Domain, AU space and fingerprint, which covers the weights and the parameters."""
        settings = f"{self._faces},{self._threshold},{'+'.join(CONSTANT)}"
        known = fingerprint(file_hash(self._path), settings) if self._path else NO_WEIGHTS
        return EvaluatorInfo(known, frozenset({"photo"}), SPACE)

    def to(self, device: str) -> MediaPipeAUs:
        """The estimator itself; it always runs on the CPU."""
        return self

    def __call__(self, images: Tensor) -> Features:
        """Blendshapes of images (B, 3, H, W) in [0, 1]: float32 (B, 52) in [0, 1], on the images' device.

        Raises:
            Unavailable: the weights are missing or cannot be read.
        """
        if self._landmarker is None:
            if self._path is None:
                raise Unavailable(f"the AU estimator 'mediapipe' {missing_weights(FACE_LANDMARKER)}")
            self._landmarker = load_landmarker(
                self._path, faces=self._faces, threshold=self._threshold, blendshapes=True
            )
        labels = get_space(SPACE).labels
        values = torch.full((len(images), len(labels)), torch.nan)
        missing = {}
        for position, image in enumerate(images):
            scores = _largest(detect(self._landmarker, image))
            if scores is None:
                missing[position] = NO_FACE
            else:
                values[position] = torch.tensor([scores[label] for label in labels])
        values[:, [labels.index(label) for label in CONSTANT]] = torch.nan
        return Features(values.to(images.device), missing)


def _largest(result: Any) -> dict[str, float] | None:
    """Blendshape name -> score of the face with the largest box; None without a face."""

    def area(points: Any) -> float:
        x, y = [float(p.x) for p in points], [float(p.y) for p in points]
        return (max(x) - min(x)) * (max(y) - min(y))

    if not result.face_landmarks:
        return None
    index = max(range(len(result.face_landmarks)), key=lambda i: area(result.face_landmarks[i]))
    return {shape.category_name: shape.score for shape in result.face_blendshapes[index]}
