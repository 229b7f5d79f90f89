"""Aligned crops: the least-squares similarity to a template, and antialiased sampling."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gath_bench.contracts.face import Face, Template
from gath_bench.errors import Unavailable
from gath_bench.faces.points import named_points

if TYPE_CHECKING:
    from torch import Tensor

#: Pixels around a cut region that interpolation may touch.
_MARGIN = 4
#: Points closer together than this, in pixels, do not define a direction.
_COINCIDENT = 1e-6


@dataclass(frozen=True)
class SimilarityTransform:
    """Maps pixels (x, y) of a crop to pixels of the original image: ``scale * rotation(angle) @ p + (dx, dy)``.

    Attributes:
        scale: image pixels per crop pixel.
        angle: in radians; positive turns clockwise on the screen.
        dx, dy: translation in image pixels.

    >>> t = SimilarityTransform(2.0, 0.0, 10.0, 20.0)
    >>> t.apply(1.0, 1.0), t.invert(12.0, 22.0)
    ((12.0, 22.0), (1.0, 1.0))
    """

    scale: float
    angle: float
    dx: float
    dy: float

    def _terms(self) -> tuple[float, float]:
        return self.scale * math.cos(self.angle), self.scale * math.sin(self.angle)

    def apply(self, x: Tensor | float, y: Tensor | float) -> tuple[Tensor | float, Tensor | float]:
        """Crop pixels -> image pixels."""
        a, b = self._terms()
        return a * x - b * y + self.dx, b * x + a * y + self.dy

    def invert(self, x: Tensor | float, y: Tensor | float) -> tuple[Tensor | float, Tensor | float]:
        """Image pixels -> crop pixels."""
        a, b = self._terms()
        norm = self.scale * self.scale
        u, v = x - self.dx, y - self.dy
        return (a * u + b * v) / norm, (a * v - b * u) / norm


def estimate(face: Face, template: Template, size: int) -> SimilarityTransform:
    """The similarity that brings a template's points to those of a face, in the sense of least squares.

    It uses the named points that both have (Umeyama, PAMI 1991, as in ``skimage.transform``).

    Args:
        face: with landmarks in pixels of the original image.
        template: the wanted positions.
        size: side of the crop in pixels.

    Raises:
        Unavailable: fewer than two points are common, or they coincide.
    """
    found, wanted = named_points(face.landmarks), template.at(size)
    names = [name for name in wanted if name in found]
    if len(names) < 2 or _extent([found[name] for name in names]) < _COINCIDENT:
        raise Unavailable(
            f"the face cannot be aligned to the template {template.name!r}: "
            f"the detector gives {', '.join(names) or 'none'} of its points ({', '.join(wanted)})."
        )
    return _fit([wanted[name] for name in names], [found[name] for name in names])


def between(source: Template, source_size: int, target: Template, target_size: int) -> SimilarityTransform:
    """The similarity from an image framed as ``target`` to one framed as ``source``: no detection is needed.

    Args:
        source, source_size: template and side in pixels of the image to cut from.
        target, target_size: template and side in pixels of the crop.

    Raises:
        Unavailable: the templates have fewer than two points in common.
    """
    found, wanted = source.at(source_size), target.at(target_size)
    names = [name for name in wanted if name in found]
    if len(names) < 2:
        raise Unavailable(
            f"the templates {source.name!r} and {target.name!r} have fewer than two points in common."
        )
    return _fit([wanted[name] for name in names], [found[name] for name in names])


def _extent(points: Sequence[tuple[float, float]]) -> float:
    return float(max(max(axis) - min(axis) for axis in zip(*points, strict=True)))


def _fit(source: Sequence[tuple[float, float]], target: Sequence[tuple[float, float]]) -> SimilarityTransform:
    """The least-squares similarity that maps N points to N others."""
    import numpy as np
    from skimage.transform import SimilarityTransform as Estimator

    estimator: Any = Estimator
    if hasattr(estimator, "from_estimate"):  # scikit-image >= 0.26
        fitted = estimator.from_estimate(np.array(source), np.array(target))
    else:
        fitted = estimator()
        fitted.estimate(np.array(source), np.array(target))
    return SimilarityTransform(
        float(fitted.scale),
        float(fitted.rotation),
        float(fitted.translation[0]),
        float(fitted.translation[1]),
    )


def align(image: Tensor, face: Face, template: Template, size: int) -> tuple[Tensor, SimilarityTransform]:
    """The square crop in which a face lies as in a template.

    Args:
        image: float32 (3, H, W) in [0, 1].
        face: a face of that image.
        template: where its points should lie.
        size: side of the crop in pixels.

    Returns:
        The crop (3, size, size), see `extract`, and the transform from crop to image.

    Raises:
        Unavailable: the face lacks the template's points.
    """
    transform = estimate(face, template, size)
    return extract(image, transform, size), transform


def align_all(
    images: Sequence[Tensor], faces: Sequence[Face], template: Template, size: int
) -> tuple[Tensor, list[SimilarityTransform]]:
    """`align` for B images with one face each: crops (B, 3, size, size) and transforms."""
    import torch

    pairs = [align(image, face, template, size) for image, face in zip(images, faces, strict=True)]
    crops = [crop for crop, _ in pairs]
    stacked = torch.stack(crops) if crops else torch.zeros(0, 3, size, size)
    return stacked, [transform for _, transform in pairs]


def crop_corners(transform: SimilarityTransform, size: int) -> list[tuple[float, float]]:
    """The outer corners of a crop in image pixels, clockwise from the top left."""
    low, high = -0.5, size - 0.5
    corners = ((low, low), (high, low), (high, high), (low, high))
    return [(float(x), float(y)) for x, y in (transform.apply(*corner) for corner in corners)]


def extract(image: Tensor, transform: SimilarityTransform, size: int) -> Tensor:
    """Sample a crop, antialiased: bicubic at full resolution, after an area-true reduction where the crop is coarser.

    Only the region that the crop covers is filtered, so that the time does not depend on the image's size. Where the
    crop reaches beyond the image, the image is reflected at its edge.

    Args:
        image: float32 (C, H, W) in [0, 1].
        transform: from crop pixels to image pixels.
        size: side of the crop in pixels.

    Returns:
        float32 (C, size, size) in [0, 1], on the image's device.
    """
    import torch
    import torch.nn.functional as F

    left, top, region = _region(image, transform, size)
    height, width = region.shape[-2:]
    if transform.scale > 1:
        new = [max(1, round(side / transform.scale)) for side in (height, width)]
        region = F.interpolate(region[None], size=new, mode="bicubic", antialias=True, align_corners=False)[0]
    axis = torch.arange(size, dtype=torch.float32, device=image.device)
    x, y = transform.apply(axis[None, :], axis[:, None])
    # Positions in the region as shares of its sides, which the reduction does not change.
    u, v = (x - left + 0.5) / width * 2 - 1, (y - top + 0.5) / height * 2 - 1
    grid = torch.stack([torch.as_tensor(u).expand(size, size), torch.as_tensor(v).expand(size, size)], -1)
    crop = F.grid_sample(
        region[None], grid[None], mode="bicubic", padding_mode="reflection", align_corners=False
    )[0]
    return crop.clamp(0, 1)


def _region(image: Tensor, transform: SimilarityTransform, size: int) -> tuple[int, int, Tensor]:
    """Left and top edge, and the part of the image that a crop needs."""
    corners = crop_corners(transform, size)
    margin = _MARGIN * max(transform.scale, 1)
    sides = []
    for axis, length in ((0, image.shape[-1]), (1, image.shape[-2])):
        low = min(corner[axis] for corner in corners) - margin
        high = max(corner[axis] for corner in corners) + margin
        # What is reflected at an edge lies as deep inside as the crop reaches outside.
        low, high = min(low, 2 * length - high), max(high, -low)
        start = min(max(math.floor(low), 0), length - 1)
        sides.append((start, max(min(math.ceil(high) + 1, length), start + 1)))
    (left, right), (top, bottom) = sides
    return left, top, image[..., top:bottom, left:right]
