"""Light on the canonical surface: wrapped diffuse reflection per channel, fill light, highlights and occlusion.

The wrap approximates subsurface scattering, which is strongest in red.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from gath_datasets.synthfaces.canvas import Canvas
from gath_datasets.synthfaces.geometry import Pose, ring_radius
from gath_datasets.synthfaces.maths import col, rgb
from gath_datasets.synthfaces.scene import Scenes

#: Wrap of the diffuse reflection in red, green and blue.
WRAP = (0.50, 0.36, 0.30)


@dataclass(frozen=True)
class Light:
    """The light of a scene.

    Attributes:
        world: unit direction towards the key light in the image frame, (B, 3).
        head: the same in the frame of the head, (B, 3).
        view: the direction towards the camera in the frame of the head, (B, 3).
        key, fill: linear colours, (B, 3).
    """

    world: Tensor
    head: Tensor
    view: Tensor
    key: Tensor
    fill: Tensor


def scene_light(scenes: Scenes, pose: Pose) -> Light:
    """The light of scenes; ``key`` and ``fill`` are balanced so that the mean brightness of a face is constant."""
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
    return Light(world, _to_head_frame(world, pose), _to_head_frame(front, pose), key, fill)


def _to_head_frame(v: Tensor, pose: Pose) -> Tensor:
    """A direction (B, 3) in the image frame, transformed to the frame of the head."""
    cy, sy, cp, sp, cr, sr = (
        t[:, 0, 0]
        for t in (pose.cos_yaw, pose.sin_yaw, pose.cos_pitch, pose.sin_pitch, pose.cos_roll, pose.sin_roll)
    )
    x0, y0, z0 = v.unbind(-1)
    x1, y1 = cr * x0 + sr * y0, cr * y0 - sr * x0
    y, z1 = y1 * cp + z0 * sp, z0 * cp - y1 * sp
    return torch.stack([x1 * cy - z1 * sy, y, x1 * sy + z1 * cy], -1)


def shade(canvas: Canvas, lights: Light) -> None:
    """Convert ``colour`` from albedo into linear radiance, in place; fills ``light``."""
    grid, s = canvas.grid, canvas.face.subject
    y = grid.y[None, :, None]
    r = ring_radius(y.expand(len(s), -1, -1), canvas.face)
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
    h = canvas.relief
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
    occlusion = canvas.shadow
    ambient = (0.62 + 0.38 * to_eye).mul_(occlusion)
    # Two specular lobes, broad and narrow, and a rim term.
    glint = to_half**4
    glint = glint**4
    spec = (0.080 * glint + 0.10 * glint * glint * glint) * canvas.gloss * occlusion
    spec += 0.035 * (1 - to_eye.clamp(0, 1)) ** 3 * occlusion
    for i, wrap in enumerate(WRAP):
        diffuse = ((to_key + wrap) * (1 / (1 + wrap))).clamp_(min=0)
        diffuse = diffuse * occlusion * col(lights.key[:, i]) + ambient * col(lights.fill[:, i])
        canvas.colour[:, i] *= diffuse
        canvas.colour[:, i] += spec * col(lights.key[:, i])
        if i == 1:
            canvas.light = diffuse


def to_display(linear: Tensor) -> Tensor:
    """Linear light to display values: gamma 2 with a soft shoulder above 0.8."""
    v = linear.clamp(min=0).sqrt_()
    return torch.where(v > 0.8, 0.8 + 0.2 * (1 - torch.exp((0.8 - v) * 5)), v)


def shade_matte(colour: Tensor, amount: Tensor, lights: Light) -> Tensor:
    """A matte display colour (B, 3) or (B, 3, H, W) under the light of the scene, in display values.

    Args:
        amount: share of the key light at each pixel, (B, H, W) in [0, 1].
    """
    base = colour if colour.dim() == 4 else rgb(colour)
    light = rgb(lights.key) * amount[:, None] + rgb(lights.fill) * 0.9
    return to_display(base * base * light)
