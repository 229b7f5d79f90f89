"""Neck, clothes and ears, rendered in the image plane."""

from __future__ import annotations

import torch
from torch import Tensor

from gath_datasets.synthfaces.geometry import Pose, View
from gath_datasets.synthfaces.layout import Face
from gath_datasets.synthfaces.maths import bell, col, over, ramp, step
from gath_datasets.synthfaces.shading import Light, shade_matte


def render_neck(image: Tensor, view: View, face: Face, pose: Pose, lights: Light, pixel: float) -> None:
    """Render neck and collar behind the chin."""
    s = face.subject
    x, y = view.plane_x + 0.10 * pose.sin_yaw, view.plane_y
    wide = col(s["face_width"]) * (0.54 + 0.09 * col(s["masculine"]))
    half = wide + 0.16 * ramp(y, 0.62, 1.05) + 0.03 * ramp(y, 0.55, 0.40)
    mask = step(half - x.abs(), pixel) * ramp(y, 0.26, 0.34)
    chin = col(face.chin_y) * pose.cos_pitch
    under = ramp(y - chin + 0.9 * x * x, 0.26, -0.02)
    round_off = 1 - 0.55 * (x / half).clamp(-1, 1) ** 4
    amount = (
        (0.78 + 0.30 * (x / half).clamp(-1, 1) * col(lights.world[:, 0])) * round_off * (1 - 0.78 * under)
    )
    tendon = bell(x.abs(), 0.055 + 0.14 * (0.95 - y), 0.028) * 0.05
    colour = s["skin_colour"] * torch.tensor([0.985, 0.955, 0.945], device=x.device)
    shade = shade_matte(colour, (amount + tendon).clamp(0.05, 1.2), lights) * (1 - 0.26 * under)[:, None]
    over(image, shade, mask[:, None])
    shoulder = (
        0.86
        + 0.30 * (x.abs() - 0.30).clamp(min=0)
        + 0.10 * ramp(x.abs(), 0.28, 0.0) * (1.2 * col(s["collar"]) - 0.4)
    )
    cloth = shade_matte(s["cloth_colour"], 0.75 + 0.25 * x * col(lights.world[:, 0]), lights)
    rim = 1 - 0.30 * bell(y, shoulder + 0.012, 0.012)
    over(image, cloth * rim[:, None], step(y - shoulder, pixel)[:, None])


def ear_masks(view: View, face: Face, pose: Pose) -> tuple[Tensor, Tensor]:
    """Relative radius inside the ears (1 at the rim), and how far each ear is in front of the head; (B, H, W)."""
    s = face.subject
    r = 0.985
    depth = -pose.pivot - 0.015
    near = []
    for sign in (-1.0, 1.0):
        centre = sign * (col(s["face_width"]) * r + 0.012) * pose.cos_yaw + depth * pose.sin_yaw
        away = sign * (view.plane_x - centre)
        broad = 0.046 * (0.55 * pose.cos_yaw + 0.9 * (-sign * pose.sin_yaw).clamp(min=0) + 0.35)
        down = view.plane_y + 0.30 * pose.sin_pitch - 0.065
        lean = away + 0.22 * down
        narrow = broad * (1 - 0.38 * ramp(down, -0.02, 0.11))
        near.append((lean / narrow) ** 2 + (down / (0.108 * col(s["ear_size"]))) ** 2)
    radius = torch.sqrt(torch.minimum(near[0], near[1]) + 1e-6)
    toward = torch.where(view.plane_x > 0, -pose.sin_yaw, pose.sin_yaw)
    return radius, ramp(toward, 0.06, 0.30)


def render_ears(
    image: Tensor, radius: Tensor, alpha: Tensor, view: View, face: Face, lights: Light, pixel: float
) -> None:
    """Render ears with a rim and a hollow."""
    s = face.subject
    mask = step(1 - radius, pixel / 0.045) * alpha
    hollow = bell(radius, 0.55, 0.20)
    amount = (0.62 + 0.45 * view.plane_x * col(lights.world[:, 0]) * 1.6) * (1 - 0.55 * hollow) + 0.12 * bell(
        radius, 0.86, 0.10
    )
    colour = s["skin_colour"] * torch.tensor([1.0, 0.91, 0.89], device=radius.device)
    over(image, shade_matte(colour, amount.clamp(0.05, 1.1), lights), mask[:, None])
