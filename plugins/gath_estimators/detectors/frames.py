"""The frame of a face (centre, size, roll), and crops that follow it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from gath_bench.faces import SimilarityTransform, extract

#: Side of a landmark crop as a multiple of the face size.
CROP_SCALE = 1.65


@dataclass(frozen=True)
class Frames:
    """Frames of N faces.

    Attributes:
        centre: (N, 2), (x, y) in pixels.
        size: (N,), in pixels: the scale of the mean shape, whose largest extent is 1.
        sine, cosine: (N,), of the roll angle; positive turns clockwise on the screen.
    """

    centre: Tensor
    size: Tensor
    sine: Tensor
    cosine: Tensor

    def to_image(self, points: Tensor) -> Tensor:
        """Points (N, K, 2) in units of the face size, upright and centred -> pixels."""
        x, y = points[..., 0], points[..., 1]
        s, c = self.sine[:, None], self.cosine[:, None]
        turned = torch.stack([c * x - s * y, s * x + c * y], -1)
        return turned * self.size[:, None, None] + self.centre[:, None]

    def from_image(self, points: Tensor) -> Tensor:
        """The inverse of `to_image`."""
        q = (points - self.centre[:, None]) / self.size[:, None, None]
        x, y = q[..., 0], q[..., 1]
        s, c = self.sine[:, None], self.cosine[:, None]
        return torch.stack([c * x + s * y, c * y - s * x], -1)

    def __getitem__(self, index: Tensor) -> Frames:
        return Frames(self.centre[index], self.size[index], self.sine[index], self.cosine[index])


def fit_frames(points: Tensor, shape: Tensor) -> Frames:
    """The least-squares similarity from the mean shape to landmarks.

    Source: Umeyama, Least-squares estimation of transformation parameters between two point patterns, PAMI 1991;
    in two dimensions the solution is a mean of complex ratios.

    Args:
        points: (N, 68, 2) in pixels.
        shape: (68, 2), the mean shape.

    >>> shape = torch.tensor([[0.0, -0.5], [0.5, 0.5], [-0.5, 0.5], [0.0, -0.5]])
    >>> frames = fit_frames(shape[None] * 20 + 7, shape)
    >>> round(frames.size.item(), 3), round(frames.sine.item(), 3)
    (20.0, 0.0)
    """
    middle = shape.mean(0)
    a, b = shape - middle, points - points.mean(1, keepdim=True)
    norm = a.square().sum()
    real = (b * a).sum((1, 2)) / norm
    imaginary = (b[..., 1] * a[:, 0] - b[..., 0] * a[:, 1]).sum(1) / norm
    size = (real.square() + imaginary.square()).sqrt().clamp(min=1e-6)
    sine, cosine = imaginary / size, real / size
    # The shape's centre need not be the origin of the frame.
    turned = torch.stack([cosine * middle[0] - sine * middle[1], sine * middle[0] + cosine * middle[1]], -1)
    return Frames(points.mean(1) - turned * size[:, None], size, sine, cosine)


def mean_shape(points: Tensor) -> Tensor:
    """The mean of landmark shapes after removing position, scale and roll; centred, largest extent 1.

    Args:
        points: (N, 68, 2).
    """
    shape = points.mean(0) - points.mean((0, 1))
    for _ in range(5):
        shape = shape / (shape.amax(0) - shape.amin(0)).amax()
        shape = fit_frames(points, shape).from_image(points).mean(0)
        shape = shape - shape.mean(0)
    return shape / (shape.amax(0) - shape.amin(0)).amax()


def to_grid(pixels: Tensor, height: int, width: int) -> Tensor:
    """Pixel coordinates (..., 2) -> coordinates of ``grid_sample`` with ``align_corners=False``."""
    extent = torch.tensor([width, height], device=pixels.device, dtype=pixels.dtype)
    return (2 * pixels + 1) / extent - 1


def crop_faces(image: Tensor, frames: Frames, side: int) -> Tensor:
    """Antialiased upright crops around faces of one image, (N, 3, side, side); see `gath_bench.faces.extract`.

    Args:
        image: (3, H, W).
        frames: N frames in pixels of the image.
        side: of the crops.
    """
    middle = (side - 1) / 2
    crops = []
    for (x, y), size, sine, cosine in zip(
        frames.centre.tolist(),
        frames.size.tolist(),
        frames.sine.tolist(),
        frames.cosine.tolist(),
        strict=True,
    ):
        scale = size * CROP_SCALE / side
        dx, dy = x - scale * middle * (cosine - sine), y - scale * middle * (sine + cosine)
        crops.append(extract(image, SimilarityTransform(scale, math.atan2(sine, cosine), dx, dy), side))
    return torch.stack(crops) if crops else image.new_zeros(0, 3, side, side)


def shrink(image: Tensor, factor: float) -> Tensor:
    """(3, H, W) reduced by a factor of at least 1, antialiased (area weights of a triangle filter)."""
    if factor <= 1:
        return image
    size = [max(1, round(side / factor)) for side in image.shape[-2:]]
    return F.interpolate(image[None], size=size, mode="bilinear", antialias=True, align_corners=False)[0]
