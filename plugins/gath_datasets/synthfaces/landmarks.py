"""The 68 landmarks of the iBUG 300-W layout (Sagonas et al. 2013), from the curves of the rendered features."""

from __future__ import annotations

import torch
from torch import Tensor

from gath_datasets.synthfaces.deform import displacement
from gath_datasets.synthfaces.eyes import opening, profile_lower, profile_upper
from gath_datasets.synthfaces.geometry import Framing, Grid, Pose, project, to_texture
from gath_datasets.synthfaces.layout import Face
from gath_datasets.synthfaces.maths import ramp
from gath_datasets.synthfaces.mouth import curves

#: Angle of the jaw contour points from the nose, radians.
JAW_ANGLE = 1.42


def landmarks(face: Face, grid: Grid, pose: Pose, framing: Framing, size: int) -> Tensor:
    """Image coordinates (x, y) in pixels, float32 (B, 68, 2); points may lie outside the image."""
    points = torch.cat([_jaw(face), _brows(face, grid), _nose(face), _eyes(face), _mouth(face)], 1)
    x, y = points[..., 0][:, None], points[..., 1][:, None]
    return project(x, y, face, pose, framing, size)[:, 0]


def _jaw(face: Face) -> Tensor:
    s = face.subject
    t = torch.linspace(-1, 1, 17, device=s.seeds.device)
    y = face.chin_y[:, None] * (1 - t.abs() ** 2.1) * 0.985
    j = s["jaw_power"][:, None]
    r = (1 - (y / face.chin_y[:, None]).clamp(0, 0.999) ** j) ** (1 / j)
    x = s["face_width"][:, None] * r * JAW_ANGLE * (t * 3).clamp(-1, 1)
    return torch.stack([x, y], -1)


def brow_height(face: Face, t: Tensor) -> Tensor:
    """y of the centre line of the neutral brow at t in [0, 1] from its inner end; (n,) -> (B, n)."""
    s = face.subject

    def of(name: str) -> Tensor:
        return s[name][:, None]

    peak = ((t - 0.62) / 0.62) ** 2
    return (
        -of("brow_y")
        - of("brow_arch") * (1 - peak)
        - of("brow_tilt") * (t - 0.5)
        + 0.030 * ramp(t, 0.60, 1.15) * (t - 0.60)
    )


def _brows(face: Face, grid: Grid) -> Tensor:
    t = torch.linspace(0, 1, 5, device=face.chin_y.device)
    x = 0.072 + face.subject["brow_length"][:, None] * t
    y = brow_height(face, t)
    rest = torch.cat(
        [torch.stack([-x, y + face.eye_y[:, :1]], -1).flip(1), torch.stack([x, y + face.eye_y[:, 1:]], -1)], 1
    )
    return displace(rest[..., 0][:, None], rest[..., 1][:, None], *displacement(face, grid))[:, 0]


def displace(x: Tensor, y: Tensor, out: Tensor, down: Tensor, steps: int = 5) -> Tensor:
    """Positions of displaced skin: solves p = neutral + displacement(p) by fixed-point iteration.

    Neutral x, y (B, h, w) -> (B, h, w, 2).
    """
    field = torch.stack([out, down], 1)
    px, py = x, y
    for _ in range(steps):
        moved = torch.nn.functional.grid_sample(
            field, to_texture(px, py), padding_mode="border", align_corners=False
        )
        px, py = x + moved[:, 0], y + moved[:, 1]
    return torch.stack([px, py], -1)


def _nose(face: Face) -> Tensor:
    base, w = face.nose_y[:, None], face.nose_width
    zero = torch.zeros_like(base)
    down = torch.tensor([0.02, 0.30, 0.58, 0.84], device=base.device) * base
    ridge = torch.stack([zero.expand(-1, 4), down], -1)
    x = torch.cat([-0.82 * w[:, :1], -0.42 * w[:, :1], zero, 0.42 * w[:, 1:], 0.82 * w[:, 1:]], 1)
    lift = torch.tensor([-0.006, 0.002, 0.006, 0.002, -0.006], device=base.device)
    return torch.cat([ridge, torch.stack([x, base + lift], -1)], 1)


def _eyes(face: Face) -> Tensor:
    s = face.subject
    up, low = opening(face)
    u = torch.tensor([1.0, 0.36, -0.36, -1.0, -0.36, 0.36], device=up.device)
    upper, lower = profile_upper(u), profile_lower(u)
    v = torch.where(torch.arange(6, device=u.device) < 3, -up[..., None] * upper, low[..., None] * lower)
    v = torch.where(u.abs() > 0.99, torch.zeros_like(v), v)
    wide = s["eye_width"][:, None, None]
    x = face.eye_x[..., None] + u * wide
    y = (v - s["eye_tilt"][:, None, None] * u) * wide + face.eye_y[..., None]
    left = torch.stack([-x[:, 0], y[:, 0]], -1)
    right = torch.stack([x[:, 1], y[:, 1]], -1)[:, [3, 2, 1, 0, 5, 4]]
    return torch.cat([left, right], 1)


def _mouth(face: Face) -> Tensor:
    s = torch.tensor([-1.0, -0.66, -0.30, 0.0, 0.30, 0.66, 1.0], device=face.chin_y.device)
    w = face.mouth_width
    x = (torch.where(s < 0, w[:, :1], w[:, 1:]) * s)[:, None]
    m = curves(face, x)

    def points(edge: Tensor, index: list[int]) -> Tensor:
        return torch.stack([x[:, 0, index], edge[:, 0, index]], -1)

    middle = points(m.meet, [3])
    outer = [points(m.meet, [0]), points(m.upper_out, [1, 2, 3, 4, 5])]
    outer += [points(m.meet, [6]), points(m.lower_out, [5, 4, 3, 2, 1])]
    inner = [points(m.meet, [0]) * 0.94 + 0.06 * middle, points(m.upper_in, [2, 3, 4])]
    inner += [points(m.meet, [6]) * 0.94 + 0.06 * middle, points(m.lower_in, [4, 3, 2])]
    return torch.cat([*outer, *inner], 1)
