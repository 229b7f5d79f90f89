"""Light on the canonical surface: wrapped diffuse per channel (light bleeds through skin, red farthest), fill from
the surroundings, highlights, painted occlusion."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from gath_datasets.synthfaces.geometry import Turn, ring
from gath_datasets.synthfaces.maths import col, rgb
from gath_datasets.synthfaces.scene import Scenes
from gath_datasets.synthfaces.sketch import Sketch

#: How far light wraps past the terminator in red, green and blue.
WRAP = (0.50, 0.36, 0.30)


@dataclass(frozen=True)
class Lamp:
    """The light of a scene.

    Attributes:
        world: unit direction towards the key light in the picture's frame, (B, 3).
        head: the same in the head's frame, (B, 3).
        view: the direction towards the camera in the head's frame, (B, 3).
        key, fill: linear colours, (B, 3).
    """

    world: Tensor
    head: Tensor
    view: Tensor
    key: Tensor
    fill: Tensor


def lamp(scenes: Scenes, pose: Turn) -> Lamp:
    """The lights of scenes; ``key`` and ``fill`` are balanced so that a face keeps its mean brightness."""
    azimuth, height = scenes["light_azimuth"].double(), scenes["light_height"].double()
    world = torch.stack(
        [azimuth.sin() * height.cos(), -height.sin(), azimuth.cos() * height.cos()], -1
    ).float()
    front = torch.tensor([0.0, 0.0, 1.0], device=world.device).expand_as(world)
    warm = scenes["light_warmth"]
    tint = torch.stack([1 + 0.13 * warm, torch.ones_like(warm), 1 - 0.17 * warm], -1)
    cool = torch.stack([1 - 0.05 * warm, torch.ones_like(warm), 1 + 0.08 * warm], -1)
    contrast = scenes["light_contrast"][:, None]
    exposure = scenes["exposure"][:, None]
    key = tint * (0.46 + 0.52 * contrast) * exposure
    fill = cool * (0.60 - 0.42 * contrast) * exposure
    return Lamp(world, _into_head(world, pose), _into_head(front, pose), key, fill)


def _into_head(v: Tensor, pose: Turn) -> Tensor:
    """A direction from the picture's frame into the head's, (B, 3)."""
    cy, sy, cp, sp, cr, sr = (
        t[:, 0, 0]
        for t in (pose.cos_yaw, pose.sin_yaw, pose.cos_pitch, pose.sin_pitch, pose.cos_roll, pose.sin_roll)
    )
    x0, y0, z0 = v.unbind(-1)
    x1, y1 = cr * x0 + sr * y0, cr * y0 - sr * x0
    y, z1 = y1 * cp + z0 * sp, z0 * cp - y1 * sp
    return torch.stack([x1 * cy - z1 * sy, y, x1 * sy + z1 * cy], -1)


def shade(sketch: Sketch, lights: Lamp) -> None:
    """Turn ``colour`` from albedo into linear radiance, in place; fills ``light``."""
    grid, s = sketch.grid, sketch.face.subject
    y = grid.y[None, :, None]
    r = ring(y.expand(len(s), -1, -1), sketch.face)
    slope = torch.zeros_like(r)
    slope[:, 1:-1] = (r[:, 2:] - r[:, :-2]) / (2 * grid.dy)
    slope = slope.clamp(-1.6, 1.6)
    width, depth = col(s["face_width"]), col(s["depth"])
    angle = (grid.x[None, None, :] / (width * r)).clamp_(-2.4, 2.4)
    sin, cos = torch.sin(angle), torch.cos(angle)
    # Normals of the rings, unnormalised: (D sin, -W D r', W cos).
    nx, ny, nz = sin * depth, -0.75 * width * depth * slope, cos * width
    inverse = torch.rsqrt(nx * nx + nz * nz + ny * ny)
    gx, gy = torch.zeros_like(angle), torch.zeros_like(angle)
    h = sketch.relief
    gx[:, :, 1:-1] = (h[:, :, 2:] - h[:, :, :-2]) * (0.5 / grid.dx[1:-1])
    gy[:, 1:-1] = (h[:, 2:] - h[:, :-2]) * (0.5 / grid.dy)
    unit = torch.rsqrt(1 + gx * gx + gy * gy)

    def facing(direction: Tensor) -> Tensor:
        dx, dy, dz = (col(t) for t in direction.unbind(-1))
        base = (nx * dx + nz * dz + ny * dy).mul_(inverse)
        return base.sub_(gx * (cos * dx - sin * dz)).sub_(gy * dy).mul_(unit)

    to_key, to_eye = facing(lights.head), facing(lights.view)
    half = torch.nn.functional.normalize(lights.head + lights.view, dim=-1)
    to_half = facing(half).clamp_(min=0)
    occlusion = sketch.shadow
    ambient = (0.62 + 0.38 * to_eye).mul_(occlusion)
    # Two lobes: a broad sheen and a small highlight; rims gain a little.
    glint = to_half**4
    glint = glint**4
    spec = (0.080 * glint + 0.10 * glint * glint * glint) * sketch.gloss * occlusion
    spec += 0.035 * (1 - to_eye.clamp(0, 1)) ** 3 * occlusion
    for i, wrap in enumerate(WRAP):
        diffuse = ((to_key + wrap) * (1 / (1 + wrap))).clamp_(min=0)
        diffuse = diffuse * occlusion * col(lights.key[:, i]) + ambient * col(lights.fill[:, i])
        sketch.colour[:, i] *= diffuse
        sketch.colour[:, i] += spec * col(lights.key[:, i])
        if i == 1:
            sketch.light = diffuse


def to_display(linear: Tensor) -> Tensor:
    """Linear light to display values: gamma 2 with a soft shoulder above 0.8."""
    v = linear.clamp(min=0).sqrt_()
    return torch.where(v > 0.8, 0.8 + 0.2 * (1 - torch.exp((0.8 - v) * 5)), v)


def lit(colour: Tensor, amount: Tensor, lights: Lamp) -> Tensor:
    """A matte display colour (B, 3) or (B, 3, H, W) under the scene's light, in display values.

    Args:
        amount: how much of the key light each pixel gets, (B, H, W) in [0, 1].
    """
    base = colour if colour.dim() == 4 else rgb(colour)
    light = rgb(lights.key) * amount[:, None] + rgb(lights.fill) * 0.9
    return to_display(base * base * light)
