"""From a photo or a frame to the square image of a sample: the aligned face, the centred square, or as it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from gath_bench import load_component
from gath_bench.contracts import LANDMARKS, Face, FaceDetector, Template
from gath_bench.errors import Unavailable
from gath_bench.faces import SYNTHFACES, align, face_from_landmarks, hull_mask
from gath_bench.images import RESIZE, resize, to_8bit

if TYPE_CHECKING:
    from torch import Tensor

Crop = Literal["face", "centre", "none"]
#: The face detector where none is named. The name is then in no key; the fingerprint holds the detector's.
BUNDLED = "synthfaces"


@dataclass(frozen=True)
class Cropped:
    """The image of a sample.

    Attributes:
        image: float32 (3, size, size), in multiples of 1/255.
        face_mask: float32 (1, size, size), 1 inside the hull of the landmarks; None where no face was looked for, or
            the detector gives too few landmarks.
    """

    image: Tensor
    face_mask: Tensor | None


class Cropper:
    """Crops images.

    Args:
        crop: ``face`` aligns the largest face to the template; ``centre`` takes the largest centred
            square; ``none`` takes square images only.
        size: side of the result in pixels.
        detector: component name of the face detector, used by ``face`` alone; the bundled one by default.
        template: where ``face`` puts the parts of the face.
        detect: False where every image comes with its face, so that no detector is loaded.

    Raises:
        UsageError: there is no such detector.
    """

    def __init__(
        self,
        crop: Crop,
        size: int,
        detector: str | None,
        template: Template = SYNTHFACES,
        *,
        detect: bool = True,
    ) -> None:
        self.crop, self.size, self._template = crop, size, template
        self._detector: FaceDetector | None = (
            load_component("face_detector", detector or BUNDLED) if crop == "face" and detect else None
        )

    @property
    def template(self) -> Template | None:
        """How the results are framed; None where no face was looked for."""
        return self._template if self.crop == "face" else None

    @property
    def fingerprint(self) -> str:
        """All that the results depend on, besides the image."""
        found = f" {self._template}" if self.crop == "face" else ""
        if self._detector is not None:
            found = f" {self._detector.info.fingerprint}{found}"
        return f"{self.size} {self.crop} {RESIZE}{found}"

    def count(self, image: Tensor) -> int:
        """The number of faces that can be cropped from an image, at least 1 (a missing face has its reason later)."""
        return max(1, len(self._detector.detect([image])[0])) if self._detector else 1

    def __call__(self, image: Tensor, name: str, face: Face | int | None = None) -> Cropped:
        """Crop an image.

        Args:
            image: float32 (3, H, W) in [0, 1].
            name: what reasons call it.
            face: for ``face`` alone: the face, where labels give it (nothing is then detected), or the number of a
                detected one; by default 0, the largest.

        Raises:
            Unavailable: no face was found, or the image is not square under ``none``.
        """
        if self.crop == "face":
            found = face if isinstance(face, Face) else self._detect(image, name, face or 0)
            return self._align(image, found)
        height, width = image.shape[-2:]
        if height != width:
            if self.crop == "none":
                raise Unavailable(f"{name} is {width}x{height}, not square: crop it, or use crop=centre.")
            side = min(height, width)
            top, left = (height - side) // 2, (width - side) // 2
            image = image[:, top : top + side, left : left + side]
        return Cropped(to_8bit(resize(image, self.size)), None)

    def _detect(self, image: Tensor, name: str, number: int) -> Face:
        if self._detector is None:
            raise Unavailable(f"the labels have no face for {name}: crop=centre takes it as it is.")
        found = self._detector.detect([image])[0]
        if not found:
            raise Unavailable(f"no face was found in {name}: crop=centre takes it as it is.")
        return found[number]

    def _align(self, image: Tensor, face: Face) -> Cropped:
        import torch

        crop, transform = align(image, face, self._template, self.size)
        x, y = transform.invert(face.landmarks[:, 0], face.landmarks[:, 1])
        points = torch.stack([torch.as_tensor(x), torch.as_tensor(y)], 1)
        try:
            mask = hull_mask(points, self.size, self.size).float()
        except Unavailable:
            mask = None
        return Cropped(to_8bit(crop), mask)


def stack_masks(cropped: list[Cropped]) -> Tensor | None:
    """The face masks of a batch, float32 (B, 1, size, size); None if there are none."""
    import torch

    masks = [item.face_mask for item in cropped if item.face_mask is not None]
    return torch.stack(masks) if masks and len(masks) == len(cropped) else None


def union_masks(sources: list[Cropped], targets: list[Cropped]) -> Tensor | None:
    """Where the face is in source or target, float32 (B, 1, size, size); None if it is not known.

    Args:
        sources: B images.
        targets: B images; none where there are no target images.
    """
    import torch

    masks = stack_masks(sources)
    others = stack_masks(targets) if targets else masks
    return None if masks is None or others is None else torch.maximum(masks, others)


def face_of_five_points(points: Sequence[tuple[float, float]]) -> Face:
    """A face from the five points that many data sets publish.

    Args:
        points: (x, y) in pixels of the centre of the left and the right eye, the tip of the nose, the left and the
            right corner of the mouth. "Left" is the left side of the image.
    """
    import torch

    landmarks = torch.full((LANDMARKS, 2), torch.nan)
    # A pair of indices has the eye's centre as its mean.
    for indices, point in zip(((36, 39), (42, 45), (30,), (48,), (54,)), points, strict=True):
        landmarks[list(indices)] = torch.tensor(point, dtype=torch.float32)
    return face_from_landmarks(landmarks, 1.0)
