"""Toy components for ``animate``: a detector with fixed faces, and models whose result is known exactly."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from gath_bench import hookimpl
from gath_bench.contracts import (
    AUEstimatorSpec,
    EvaluatorInfo,
    Face,
    FaceDetectorInfo,
    FaceDetectorSpec,
    FaceEdit,
    Features,
    ModelInfo,
    ModelSpec,
)
from gath_bench.faces import SYNTHFACES, face_from_landmarks

#: Faces of every image: centre (x, y) and distance of the eyes, as shares of the image's width and height.
FACES: list[tuple[float, float, float]] = [(0.5, 0.5, 0.12)]
#: The AU that the toy models show, in openface17.
SMILE = 8


def make_face(x: float, y: float, eyes: float, angle: float = 0.0) -> Face:
    """A face whose eyes and mouth lie as in the template of synthfaces, in pixels."""
    points = SYNTHFACES.at(SYNTHFACES.size)
    middle = torch.tensor([64.0, 70.0])
    scale = eyes / (points["right_eye"][0] - points["left_eye"][0])
    turn = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    if angle:
        turn = torch.tensor([[0.0, -1.0], [1.0, 0.0]]) if angle == 90 else turn
    landmarks = torch.full((68, 2), torch.nan)
    for name, indices in (("left_eye", range(36, 42)), ("right_eye", range(42, 48))):
        for index in indices:
            landmarks[index] = torch.tensor(points[name])
    for index in (48, 54, 62, 66):
        landmarks[index] = torch.tensor(points["mouth"])
    placed = (landmarks - middle) * scale @ turn.T + torch.tensor([x, y])
    return face_from_landmarks(placed, 1.0)


class ToyDetector:
    """Finds `FACES` in every image."""

    @property
    def info(self) -> FaceDetectorInfo:
        return FaceDetectorInfo("toy", frozenset({"photo"}))

    def to(self, device: str) -> ToyDetector:
        return self

    def detect(self, images: Sequence[Tensor]) -> list[list[Face]]:
        found = []
        for image in images:
            height, width = image.shape[-2:]
            found.append([make_face(x * width, y * height, eyes * width) for x, y, eyes in FACES])
        return found


class ToyDirect:
    """Adds light in proportion to AU12: every pixel of the crop becomes brighter by 0.2 at most."""

    info = ModelInfo(fingerprint="direct", au_space="openface17", resolution=64, template=SYNTHFACES)

    def to(self, device: str) -> ToyDirect:
        return self

    def animate(self, portraits: Tensor, target_aus: Tensor, **needs: object) -> Tensor:
        middle = torch.zeros(1, 1, 64, 64)
        middle[..., 16:48, 16:48] = 0.2
        return (portraits + middle * target_aus[:, SMILE, None, None, None]).clamp(0, 1)


class ToyWarp(ToyDirect):
    """Moves the crop to the right in proportion to AU12, by 1/16 of its side at most."""

    info = ModelInfo(fingerprint="warp", au_space="openface17", resolution=64, template=SYNTHFACES)

    def edit(self, portraits: Tensor, target_aus: Tensor) -> FaceEdit:
        count = len(portraits)
        flow = torch.zeros(count, 2, 64, 64)
        flow[:, 0] = -target_aus[:, SMILE, None, None] / 16
        return FaceEdit(flow, torch.zeros(count, 1, 64, 64), torch.zeros(count, 3, 64, 64))

    def source_aus(self, portraits: Tensor) -> Tensor:
        own = torch.zeros(len(portraits), 17)
        own[:, SMILE] = 0.25
        return own


class ToyOracle(ToyDirect):
    """A model that a photo cannot feed."""

    info = ModelInfo(needs=frozenset({"target"}))


class ToyEstimator:
    """AU12 is the mean brightness of the image."""

    info = EvaluatorInfo("toy", frozenset({"photo", "synthetic"}), au_space="openface17")

    def to(self, device: str) -> ToyEstimator:
        return self

    def __call__(self, images: Tensor) -> Features:
        aus = torch.zeros(len(images), 17)
        aus[:, SMILE] = images.mean((1, 2, 3))
        return Features(aus)


@hookimpl
def gath_bench_models() -> list[ModelSpec]:
    return [
        ModelSpec("toy-direct", ToyDirect, "adds light"),
        ModelSpec("toy-warp", ToyWarp, "moves pixels"),
        ModelSpec("toy-oracle", ToyOracle, "needs the target"),
    ]


@hookimpl
def gath_bench_face_detectors() -> list[FaceDetectorSpec]:
    return [FaceDetectorSpec("synthfaces", ToyDetector, "fixed faces")]


@hookimpl
def gath_bench_au_estimators() -> list[AUEstimatorSpec]:
    return [AUEstimatorSpec("synthfaces", ToyEstimator, "brightness")]
