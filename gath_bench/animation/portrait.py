"""One photo: its faces, and the frames in which a model animates them, at the photo's own resolution."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from gath_bench.animation.model import PhotoModel
from gath_bench.contracts import Animated, Face, FaceEdit, HasEdit
from gath_bench.errors import Unavailable, UsageError
from gath_bench.faces import (
    SimilarityTransform,
    align,
    apply_edit,
    crop_corners,
    extract,
    feather,
    paste_back,
)
from gath_bench.images import SUFFIXES, decode, resize, to_8bit
from gath_bench.video import SUFFIXES as VIDEO_SUFFIXES

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image
    from torch import Tensor

Crop = Literal["face", "centre", "none"]

#: The portrait that scikit-image ships (NASA, public domain): a name in place of a file.
BUILT_IN = "astronaut"
#: Frames that the model generates at once.
BATCH = 8
#: Pixels around a crop from which its flow may fetch colour, as a share of the crop's side.
_MARGIN = 0.2


@dataclass(frozen=True)
class Region:
    """One part of a photo that is animated.

    Attributes:
        crop: the model's input, float32 (1, 3, S, S), rounded to 8 bits.
        transform: from the crop to the rectangle.
        left, top, right, bottom: a rectangle of the photo that holds the crop, in pixels; right and bottom excluded.
        mask: (1, S, S) in [0, 1], where the result applies.
        side: side of the crop in pixels of the photo.
        face: the face, or None where none was looked for.
    """

    crop: Tensor
    transform: SimilarityTransform
    left: int
    top: int
    right: int
    bottom: int
    mask: Tensor
    side: float
    face: Face | None


@dataclass
class Portrait:
    """A photo that is ready to be animated.

    Attributes:
        name: what messages call it.
        pixels: uint8 (H, W, 3), upright.
        regions: what is animated.
        model: the model.
        notes: sentences on what was found.
        model_seconds: time that the model took so far.
    """

    name: str
    pixels: NDArray[np.uint8]
    regions: tuple[Region, ...]
    model: PhotoModel
    notes: tuple[str, ...] = ()
    model_seconds: float = field(default=0.0)

    @classmethod
    def prepare(
        cls,
        source: Path | str | Image.Image,
        model: PhotoModel,
        *,
        crop: Crop = "face",
        all_faces: bool = False,
        size: int | None = None,
    ) -> Portrait:
        """Read a photo and find what is to be animated.

        Args:
            source: a file, or an image.
            model: the model.
            crop: ``face`` aligns the largest face to the model's template; ``centre`` takes the largest centred
                square; ``none`` takes the whole image, which must be square.
            all_faces: every face rather than the largest.
            size: the longer side in pixels to which a larger photo is reduced first.

        Raises:
            UsageError: the photo cannot be read, no face was found, or the image is not square under ``none``.
        """
        name, pixels = _read(source)
        pixels = _reduce(pixels, size)
        if crop == "face":
            regions, notes = _faces(name, pixels, model, all_faces)
        else:
            regions, notes = (_square(name, pixels, model, crop),), ()
        return cls(name, pixels, regions, model, notes)

    def source_aus(self) -> Tensor:
        """The own AUs of the first face in the model's AU space, float32 (K,)."""
        return self.model.source_aus(self.regions[0].crop)[0]

    def frames(self, aus: Tensor) -> Iterator[Image.Image]:
        """The photo with the AUs asked for, frame by frame; pixels outside the crops are those of the photo.

        Args:
            aus: float32 (N, K) in [0, 1], in the model's AU space.

        Raises:
            UsageError: the model cannot generate, with its reason.
        """
        import numpy as np
        from PIL import Image

        for start in range(0, len(aus), BATCH):
            part = aus[start : start + BATCH]
            changed = [self._changed(region, part) for region in self.regions]
            for index in range(len(part)):
                frame = self.pixels.copy()
                for region, results in zip(self.regions, changed, strict=True):
                    place = frame[region.top : region.bottom, region.left : region.right]
                    before = self.pixels[region.top : region.bottom, region.left : region.right]
                    # Where two crops overlap, the later one leaves what it does not change.
                    np.copyto(place, results[index], where=(results[index] != before).any(-1, keepdims=True))
                yield Image.fromarray(frame)

    def _changed(self, region: Region, aus: Tensor) -> list[NDArray[np.uint8]]:
        """The rectangle of a region with each row of AUs, uint8 (h, w, 3) each."""
        original = to_tensor(self.pixels[region.top : region.bottom, region.left : region.right])
        begun = time.perf_counter()
        result = self._generate(region, aus)
        self.model_seconds += time.perf_counter() - begun
        size, place = self.model.size, region.transform
        if isinstance(result, FaceEdit):
            made = [
                apply_edit(original, result[index], place, size, mask=region.mask)
                for index in range(len(aus))
            ]
        else:
            made = [
                paste_back(original, image, place, before=region.crop[0], mask=region.mask)
                for image in result
            ]
        return [to_pixels(image) for image in made]

    def _generate(self, region: Region, aus: Tensor) -> FaceEdit | Tensor:
        """The model's result for one crop and N rows of AUs, on the CPU: its fields where it gives them, or images.

        Raises:
            UsageError: the model cannot generate, with its reason.
        """
        import torch

        model, device = self.model.model, self.model.device
        portraits = region.crop.expand(len(aus), -1, -1, -1).contiguous().to(device)
        needs = {}
        if "source_aus" in model.info.needs:
            needs["source_aus"] = self.model.source_aus(region.crop).expand(len(aus), -1).to(device)
        try:
            with torch.inference_mode():
                if isinstance(model, HasEdit):
                    edit = model.edit(portraits, aus.to(device))
                    return FaceEdit(edit.flow.cpu(), edit.opacity.cpu(), edit.added.cpu())
                animated = model.animate(portraits, aus.to(device), **needs)
        except Unavailable as error:
            raise UsageError(f"{self.name} cannot be animated: {error}") from error
        if isinstance(animated, Animated) and animated.missing:
            reason = next(iter(animated.missing.values()))
            raise UsageError(f"{self.name} cannot be animated: {reason}")
        images = animated.images if isinstance(animated, Animated) else animated
        return resize(images.float().cpu().clamp(0, 1), self.model.size)

    def report(self, seconds: float) -> str:
        """One line: where the face was found, the crop, how the result was applied, the model, the time."""
        places = "; ".join(_place(region) for region in self.regions)
        applied = (
            "flow and colour applied to the original pixels"
            if self.model.has_edit
            else f"the {self.model.size} px result enlarged and blended"
        )
        return f"{self.name}: {places}; {self.model.key}, {applied}; {seconds:.1f} s"


def _place(region: Region) -> str:
    crop = f"crop of {region.side:.0f} px"
    if region.face is None:
        return crop
    face = region.face
    return f"face of {face.width:.0f} x {face.height:.0f} px at ({face.left:.0f}, {face.top:.0f}), {crop}"


def _read(source: Path | str | Image.Image) -> tuple[str, NDArray[np.uint8]]:
    """Name and pixels, uint8 (H, W, 3)."""
    import numpy as np

    if not isinstance(source, Path | str):
        return "the image", np.array(source.convert("RGB"))
    path = Path(source)
    if str(source) == BUILT_IN and not path.exists():
        from skimage import data

        astronaut: Any = data.astronaut
        return BUILT_IN, astronaut().copy()
    if not path.exists():
        raise UsageError(f"there is no file {path}: give a photo.")
    if path.suffix.lower() in (".gif", *VIDEO_SUFFIXES):
        raise UsageError(
            f"{path} is an animation, and a portrait is one still photo: save one frame of it as PNG or JPEG, or "
            "take it as the driver with --drive."
        )
    try:
        return path.name, np.round(decode(path) * 255).astype(np.uint8)
    except Unavailable as error:
        raise UsageError(f"{str(error).rstrip('.')}: give a photo as {', '.join(SUFFIXES)}.") from error


def _reduce(pixels: NDArray[np.uint8], longer: int | None) -> NDArray[np.uint8]:
    """The image with its longer side at most so long."""
    import numpy as np

    height, width = pixels.shape[:2]
    if longer is None or max(height, width) <= longer:
        return pixels
    factor = longer / max(height, width)
    size = (max(1, round(height * factor)), max(1, round(width * factor)))
    return np.ascontiguousarray(to_pixels(resize(to_tensor(pixels), size)))


def _faces(
    name: str, pixels: NDArray[np.uint8], model: PhotoModel, all_faces: bool
) -> tuple[tuple[Region, ...], tuple[str, ...]]:
    image = to_tensor(pixels)
    try:
        found = model.detector.detect([image.to(model.device)])[0]
    except Unavailable as error:
        raise UsageError(f"{str(error).rstrip('.')}.") from error
    if not found:
        raise UsageError(
            f"no face was found in {name}: give a photo that shows a face from the front, or --crop centre to edit "
            "the centred square."
        )
    notes: tuple[str, ...] = ()
    if len(found) > 1 and not all_faces:
        notes = (
            f"{len(found)} faces were found in {name}: the largest is animated (--all-faces takes all).",
        )
    regions = []
    for face in found if all_faces else found[:1]:
        try:
            crop, transform = align(image, face, model.template, model.size)
        except Unavailable as error:
            raise UsageError(f"{name}: {error}") from error
        regions.append(_region(pixels, crop, transform, model.size, feather(model.size), face))
    return tuple(regions), notes


def _square(name: str, pixels: NDArray[np.uint8], model: PhotoModel, crop: Crop) -> Region:
    import torch

    height, width = pixels.shape[:2]
    if crop == "none" and height != width:
        raise UsageError(f"{name} is {width} x {height}, not square: use --crop face or --crop centre.")
    side = min(height, width)
    scale = side / model.size
    # Pixel centres lie at integers, in the crop and in the photo.
    offset = 0.5 * scale - 0.5
    transform = SimilarityTransform(scale, 0.0, (width - side) // 2 + offset, (height - side) // 2 + offset)
    mask = torch.ones(1, model.size, model.size) if height == width else feather(model.size)
    image = to_tensor(pixels)
    return _region(pixels, extract(image, transform, model.size), transform, model.size, mask, None)


def _region(
    pixels: NDArray[np.uint8],
    crop: Tensor,
    transform: SimilarityTransform,
    size: int,
    mask: Tensor,
    face: Face | None,
) -> Region:
    """A region with the rectangle around its crop, so that the work does not depend on the photo's size."""
    height, width = pixels.shape[:2]
    corners = crop_corners(transform, size)
    side = transform.scale * size
    margin = _MARGIN * side
    xs, ys = [x for x, _ in corners], [y for _, y in corners]
    left, right = max(0, math.floor(min(xs) - margin)), min(width, math.ceil(max(xs) + margin) + 1)
    top, bottom = max(0, math.floor(min(ys) - margin)), min(height, math.ceil(max(ys) + margin) + 1)
    moved = dataclasses.replace(transform, dx=transform.dx - left, dy=transform.dy - top)
    return Region(to_8bit(crop)[None], moved, left, top, right, bottom, mask, side, face)


def to_tensor(pixels: NDArray[np.uint8] | Image.Image) -> Tensor:
    """uint8 (H, W, 3), or an RGB image -> float32 (3, H, W) in [0, 1]."""
    import numpy as np
    import torch

    return torch.from_numpy(np.array(pixels)).permute(2, 0, 1).float() / 255


def to_pixels(image: Tensor) -> NDArray[np.uint8]:
    """float32 (3, H, W) in [0, 1] -> uint8 (H, W, 3)."""
    import torch

    pixels: NDArray[np.uint8] = (image * 255).round().to(torch.uint8).permute(1, 2, 0).contiguous().numpy()
    return pixels
