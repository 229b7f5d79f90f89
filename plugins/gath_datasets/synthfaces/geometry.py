"""The head as a surface: canonical coordinates <-> points in space <-> image.

The head is a stack of elliptic rings. At height y the ring has half width W r(y) and half depth D r(y), where
r falls from 1 at the eye line to 0 at chin and crown like a superellipse; nose and mouth protrude as Gaussians in
depth. A point at angle t from the nose is (W r sin t, y, D r cos t), and the canonical x is the arc W r t. For such
rings the intersection of a ray with the rotated head has a closed form, so that an image is rendered by computing, for
each pixel, the canonical point that it shows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from gath_datasets.synthfaces.layout import Face
from gath_datasets.synthfaces.maths import bell, col
from gath_datasets.synthfaces.scene import Scenes

#: Distance of the rotation axis of the head behind its front, in face units.
PIVOT_DEPTH = 0.26
#: The canonical grid spans x in +-SPAN_X and y in [TOP_Y, BOTTOM_Y].
SPAN_X, TOP_Y, BOTTOM_Y = 0.64, -0.62, 0.80
#: Column spacing grows towards the sides: x = STRETCH_K u / sqrt(1 - STRETCH_C u^2), u in [-1, 1].
STRETCH_C = 0.45
STRETCH_K = SPAN_X * math.sqrt(1 - STRETCH_C)
#: Canonical pixels per image pixel at the middle of the face.
OVERSAMPLE = 1.18
CROWN_POWER = 2.7


@dataclass(frozen=True)
class Grid:
    """The canonical grid: x (W,), y (H,), the spacing dx (W,) and dy, all in face units."""

    x: Tensor
    y: Tensor
    dx: Tensor
    dy: float


@dataclass(frozen=True)
class Framing:
    """The section of the image plane that an image shows.

    Attributes:
        height: face units from the lower to the upper edge; at 1.42 brow line to chin fill the image as in CelebA and
            GANimation crops, 2.1 shows head and shoulders.
        centre_y: y at the middle of the image.
    """

    height: float = 1.40
    centre_y: float = 0.085


CLOSE = Framing()


@lru_cache(maxsize=16)
def make_grid(pitch: float, device: str) -> Grid:
    """The canonical grid for images with ``pitch`` face units per pixel; rows and columns are multiples of 8."""
    fine = pitch / OVERSAMPLE
    width = 16 * max(2, round(2 * STRETCH_K / fine / 16))
    height = 8 * max(4, round((BOTTOM_Y - TOP_Y) / fine / 8))
    u = (torch.arange(width, dtype=torch.float64) + 0.5) / width * 2 - 1
    root = (1 - STRETCH_C * u * u).sqrt()
    x = STRETCH_K * u / root
    dx = STRETCH_K / root**3 * (2 / width)
    dy = (BOTTOM_Y - TOP_Y) / height
    y = TOP_Y + (torch.arange(height, dtype=torch.float64) + 0.5) * dy
    return Grid(x.float().to(device), y.float().to(device), dx.float().to(device), dy)


def power(x: Tensor, exponent: Tensor | float) -> Tensor:
    """x ** exponent for x >= 0, by exp and log."""
    return torch.exp(exponent * torch.log(x + 1e-9))


def ring_radius(y: Tensor, face: Face) -> Tensor:
    """r(y) in (0, 1]; y (B, H, W)."""
    s = face.subject
    below = y > 0
    t = torch.where(below, y / col(face.chin_y), y / -col(s["crown_y"])).clamp(0, 0.999)
    j = torch.where(below, col(s["jaw_power"]), torch.full_like(col(s["jaw_power"]), CROWN_POWER))
    return power(1 - power(t, j), 1 / j)


def protrusion(x: Tensor, y: Tensor, face: Face) -> Tensor:
    """Protrusion of nose, mouth and chin above the rings, (B, H, W), face units."""
    s = face.subject
    nose = 0.075 * col(s["bridge"]) * bell(y, col(s["nose_y"]) * 0.45, 0.12)
    tip = 0.105 * col(s["tip"]) * bell(y, col(s["nose_y"]) - 0.035, 0.062)
    muzzle = 0.050 * bell(y, col(face.mouth_y) + 0.02, 0.13) + 0.045 * bell(y, col(face.chin_y) - 0.05, 0.08)
    return (nose + tip) * bell(x, 0.0, 0.062) + muzzle * bell(x, 0.0, 0.15)


@dataclass(frozen=True)
class View:
    """The surface point that each pixel of an image shows; all (B, H, W).

    Attributes:
        plane_x, plane_y: the image plane in face units, roll undone.
        x, y: canonical coordinates of the head's surface.
        depth: depth of the surface after rotation, face units.
        inside: distance inside the outline of the head, face units, negative outside.
    """

    plane_x: Tensor
    plane_y: Tensor
    x: Tensor
    y: Tensor
    depth: Tensor
    inside: Tensor


@dataclass(frozen=True)
class Pose:
    """Sines and cosines of a head pose, rotation axis and shift, each (B, 1, 1)."""

    sin_yaw: Tensor
    cos_yaw: Tensor
    sin_pitch: Tensor
    cos_pitch: Tensor
    sin_roll: Tensor
    cos_roll: Tensor
    pivot: Tensor
    shift_x: Tensor
    shift_y: Tensor


def pose_of(scenes: Scenes, face: Face) -> Pose:
    """The head poses of scenes, about an axis behind the face."""
    yaw, pitch, roll = (col(scenes[name]).double() for name in ("yaw", "pitch", "roll"))
    return Pose(
        *(torch.sin(yaw).float(), torch.cos(yaw).float()),
        *(torch.sin(pitch).float(), torch.cos(pitch).float()),
        *(torch.sin(roll).float(), torch.cos(roll).float()),
        col(face.subject["depth"]) - PIVOT_DEPTH,
        col(scenes["shift_x"]),
        col(scenes["shift_y"]),
    )


def image_plane(size: int, framing: Framing, pose: Pose) -> tuple[Tensor, Tensor]:
    """The image plane in face units with shift and roll undone, (B, size, size) each."""
    axis = (torch.arange(size, device=pose.pivot.device, dtype=torch.float32) + 0.5) / size - 0.5
    x0 = (axis * framing.height)[None, None, :] - pose.shift_x
    y0 = (axis * framing.height + framing.centre_y)[None, :, None] - pose.shift_y
    return pose.cos_roll * x0 + pose.sin_roll * y0, pose.cos_roll * y0 - pose.sin_roll * x0


def cast_rays(size: int, framing: Framing, face: Face, pose: Pose) -> View:
    """For each pixel, the canonical point that it shows."""
    s = face.subject
    px, py = image_plane(size, framing, pose)
    width, depth = col(s["face_width"]), col(s["depth"])
    across = torch.sqrt((width * pose.cos_yaw) ** 2 + (depth * pose.sin_yaw) ** 2)
    lag = torch.atan2((depth * pose.sin_yaw).double(), (width * pose.cos_yaw).double()).float()
    out = torch.zeros_like(px)
    turned = (depth - pose.pivot).expand_as(px)
    j = col(s["jaw_power"])
    # Fixed point: depth -> y (pitch) -> angle (yaw, closed form) -> depth.
    for _ in range(3):
        y = (py + turned * pose.sin_pitch) / pose.cos_pitch
        r = ring_radius(y, face)
        offset = px + (pose.pivot - out) * pose.sin_yaw
        ratio = (offset / (across * r)).clamp(-0.9999, 0.9999)
        angle = torch.asin(ratio) - lag
        x = width * r * angle
        out = protrusion(x, y, face)
        turned = (depth * r * torch.cos(angle) + out - pose.pivot) * pose.cos_yaw - width * r * torch.sin(
            angle
        ) * pose.sin_yaw
    # Outline as a superellipse in the rotated ring; the distance is taken along the radius.
    j = torch.where(y > 0, j, torch.full_like(j, CROWN_POWER))
    t = torch.where(y > 0, y / col(face.chin_y), y / -col(s["crown_y"]))
    f = power(power((offset / across).abs(), j) + power(t, j), 1 / j)
    inside = torch.sqrt(offset * offset + y * y) * (1 / (f + 1e-6) - 1)
    return View(px, py, x, y, turned, inside)


def upsample(view: View, size: int) -> View:
    """The same view at another size, by bilinear interpolation."""
    if view.x.shape[-1] == size:
        return view
    stack = torch.stack([view.plane_x, view.plane_y, view.x, view.y, view.depth, view.inside], 1)
    big = F.interpolate(stack, size=(size, size), mode="bilinear", align_corners=False)
    return View(*big.unbind(1))


def to_texture(x: Tensor, y: Tensor) -> Tensor:
    """Canonical coordinates to `grid_sample` coordinates of the canonical grid, (B, H, W, 2)."""
    u = x * torch.rsqrt(STRETCH_K**2 + STRETCH_C * x * x)
    v = (y - TOP_Y) * (2 / (BOTTOM_Y - TOP_Y)) - 1
    return torch.stack([u, v], -1)


def project(x: Tensor, y: Tensor, face: Face, pose: Pose, framing: Framing, size: int) -> Tensor:
    """Canonical points to image coordinates in pixels; x, y (B, H, W) -> (B, H, W, 2)."""
    s = face.subject
    r = ring_radius(y, face)
    angle = x / (col(s["face_width"]) * r)
    side = col(s["face_width"]) * r * torch.sin(angle)
    front = col(s["depth"]) * r * torch.cos(angle) + protrusion(x, y, face) - pose.pivot
    px = side * pose.cos_yaw + front * pose.sin_yaw
    turned = front * pose.cos_yaw - side * pose.sin_yaw
    py = y * pose.cos_pitch - turned * pose.sin_pitch
    x0 = pose.cos_roll * px - pose.sin_roll * py + pose.shift_x
    y0 = pose.sin_roll * px + pose.cos_roll * py + pose.shift_y
    pixels = torch.stack([x0, y0 - framing.centre_y], -1) / framing.height
    return (pixels + 0.5) * size - 0.5
