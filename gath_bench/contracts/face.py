"""Faces in images of any size: what a detector returns, and what a data set gives for training one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from torch import Tensor

#: Number of landmarks in the iBUG 300-W layout (Sagonas et al., 300 Faces in-the-Wild Challenge, ICCVW 2013).
LANDMARKS = 68


@dataclass(frozen=True)
class Template:
    """Named points at pixel positions of a square image.

    Attributes:
        name: how messages and manifests call it.
        size: side of the image, in pixels.
        points: name (see ``gath_bench.faces.points.POINTS``) -> (x, y) in pixels.
    """

    name: str
    size: int
    points: Mapping[str, tuple[float, float]]

    def at(self, size: int) -> dict[str, tuple[float, float]]:
        """The points for an image of another side.

        >>> Template("t", 4, {"mouth": (1.5, 1.5)}).at(8)
        {'mouth': (3.5, 3.5)}
        """
        factor = size / self.size
        # Pixel centres lie at integers, so that the image begins at -0.5.
        return {
            name: ((x + 0.5) * factor - 0.5, (y + 0.5) * factor - 0.5) for name, (x, y) in self.points.items()
        }


@dataclass(frozen=True)
class Face:
    """One detected face.

    Coordinates are pixels of the image that was given, x to the right and y down. An integer coordinate is the
    centre of a pixel: the image covers [-0.5, width - 0.5] x [-0.5, height - 0.5]. Boxes and landmarks may lie
    partly outside the image.

    Attributes:
        left, top, right, bottom: the box around the face, brows to chin.
        landmarks: float32 (68, 2) on the CPU, (x, y) in iBUG order. "Left" points (jaw 0-7, brow 17-21,
            eye 36-41) are on the left side of the image. Points that the detector does not provide are NaN.
        confidence: in [0, 1]; comparable within one detector only.
    """

    left: float
    top: float
    right: float
    bottom: float
    landmarks: Tensor
    confidence: float

    @property
    def width(self) -> float:
        """Width of the box in pixels."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """Height of the box in pixels."""
        return self.bottom - self.top

    @property
    def area(self) -> float:
        """Area of the box in square pixels."""
        return max(self.width, 0.0) * max(self.height, 0.0)


@dataclass(frozen=True)
class FaceDetectorInfo:
    """Static facts about a face detector.

    Attributes:
        fingerprint: SHA-256 (hex) over weights and configuration; ``NO_WEIGHTS`` while the weights are missing.
        domains: image domains that the detector was validated on (``"synthetic"``, ``"photo"``).
        landmarks: indices in [0, 68) of the landmarks that it provides; the others are NaN.
    """

    fingerprint: str
    domains: frozenset[str]
    landmarks: tuple[int, ...] = tuple(range(LANDMARKS))


@runtime_checkable
class FaceDetector(Protocol):
    """Finds faces in images of any size. Detection is deterministic, and independent for each image."""

    @property
    def info(self) -> FaceDetectorInfo: ...

    def to(self, device: str) -> FaceDetector:
        """The detector, computing on ``device`` from now on (``"cpu"``, ``"cuda:0"``).

        A detector that only runs on the CPU ignores the device.
        """
        ...

    def detect(self, images: Sequence[Tensor]) -> list[list[Face]]:
        """Faces of each image.

        Args:
            images: float32 (3, H, W) each, sRGB in [0, 1]; sizes may differ.

        Returns:
            For each image its faces, the largest box first; an empty list where no face was found.

        Raises:
            Unavailable: a package or the weights are missing, with the command that installs them.
        """
        ...


@dataclass(frozen=True)
class LandmarkedBatch:
    """Portraits with landmarks, one face per image, for training face detectors.

    Attributes:
        images: float32 (B, 3, H, W), sRGB in [0, 1].
        landmarks: float32 (B, 68, 2), (x, y) in pixels, iBUG order.
    """

    images: Tensor
    landmarks: Tensor


@runtime_checkable
class LandmarkStream(Protocol):
    """A data set that can feed the training of face detectors, from subjects in no evaluated split."""

    def landmarked(self, *, batch_size: int, seed: int, start: int = 0) -> Iterator[LandmarkedBatch]:
        """An endless stream; ``start`` is the first step to give."""
        ...


@dataclass(frozen=True)
class FaceEdit:
    """How a model changes a portrait, as fields that can be applied at any resolution.

    ``edited(p) = clamp((1 - opacity(p)) * portrait(p + flow(p)) + added(p), 0, 1)`` with p and ``flow`` in shares of
    the portrait's side. `gath_bench.faces.apply_edit` applies the fields to the original pixels of a photo, so that a
    large photo stays sharp.

    Attributes:
        flow: (B, 2, h, w), the backward flow: where each pixel comes from, relative to its position, as a share of the
            side; x to the right, y down.
        opacity: (B, 1, h, w) in [0, 1], the share of the moved portrait's colour that is replaced; 0 keeps its detail.
        added: (B, 3, h, w) in [-1, 1], the colour that is added.
    """

    flow: Tensor
    opacity: Tensor
    added: Tensor

    def __getitem__(self, index: int) -> FaceEdit:
        """The fields of one portrait, with B = 1."""
        chosen = slice(index, index + 1) if index != -1 else slice(-1, None)
        return FaceEdit(self.flow[chosen], self.opacity[chosen], self.added[chosen])


@runtime_checkable
class HasEdit(Protocol):
    """A model that can give its result as fields. ``animate`` uses them for images larger than the model's."""

    def edit(self, portraits: Tensor, target_aus: Tensor) -> FaceEdit:
        """The fields of B portraits; the arguments are those of ``AnimationModel.animate``."""
        ...
