"""Weights files of the adapters for published evaluators. Sizes and hashes are those that the publishers state."""

from __future__ import annotations

from gath_bench.contracts import WeightsSpec

#: Version 1 of the float16 bundle.
FACE_LANDMARKER = WeightsSpec(
    name="face-landmarker",
    files=("face_landmarker.task",),
    summary="MediaPipe Face Landmarker: detector, 478 landmarks, 52 blendshapes",
    licence="Apache-2.0",
    url="https://storage.googleapis.com/mediapipe-models/face_landmarker/face_landmarker/float16/1/face_landmarker.task",
    size=3758596,
    sha256="64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff",
)
