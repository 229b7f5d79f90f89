"""Images and faces with known geometry."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from gath_bench.contracts import Face
from gath_bench.faces import MIRROR, face_from_landmarks


def _shape() -> Tensor:
    """A symmetric face in units of the distance of the eyes; the eyes' middle is the origin."""
    half = torch.zeros(68, 2)
    t = torch.linspace(-1, 1, 17)
    half[:17] = torch.stack([1.15 * torch.sin(t * math.pi / 2), 1.75 * (1 - t.abs() ** 2.5)], 1)
    brow = torch.linspace(-0.85, -0.2, 5)
    half[17:22] = torch.stack([brow, -0.35 - 0.1 * torch.sin((brow + 0.85) / 0.65 * math.pi)], 1)
    half[27:31] = torch.stack([torch.zeros(4), torch.linspace(0.05, 0.6, 4)], 1)
    half[31:36] = torch.stack(
        [torch.linspace(-0.28, 0.28, 5), torch.tensor([0.72, 0.76, 0.78, 0.76, 0.72])], 1
    )
    angles = torch.tensor([180.0, 125.0, 55.0, 0.0, -55.0, -125.0]) * math.pi / 180
    half[36:42] = torch.stack([-0.5 + 0.22 * angles.cos(), -0.09 * angles.sin()], 1)
    outer = torch.tensor([180.0, 145.0, 110.0, 90.0, 70.0, 35.0, 0.0, -35.0, -70.0, -90.0, -110.0, -145.0])
    outer = outer * math.pi / 180
    half[48:60] = torch.stack([0.4 * outer.cos(), 1.2 - 0.16 * outer.sin()], 1)
    inner = torch.tensor([180.0, 125.0, 90.0, 55.0, 0.0, -55.0, -90.0, -125.0]) * math.pi / 180
    half[60:68] = torch.stack([0.33 * inner.cos(), 1.2 - 0.06 * inner.sin()], 1)
    mirrored = half[list(MIRROR)] * torch.tensor([-1.0, 1.0])
    right = torch.zeros(68, dtype=torch.bool)
    right[22:27] = right[42:48] = True
    return torch.where(right[:, None], mirrored, half)


SHAPE = _shape()


def face_at(x: float, y: float, eyes: float, angle: float) -> Face:
    """A face whose eyes' middle is at (x, y), with this distance of the eyes, turned clockwise by an angle."""
    c, s = math.cos(angle), math.sin(angle)
    turn = torch.tensor([[c, s], [-s, c]])
    return face_from_landmarks(SHAPE @ turn * eyes + torch.tensor([x, y]), 0.9)


def pattern(height: int, width: int) -> Tensor:
    """A smooth picture with detail in each channel, float32 (3, height, width)."""
    y, x = torch.meshgrid(torch.arange(float(height)), torch.arange(float(width)), indexing="ij")
    return torch.stack(
        [
            0.5 + 0.4 * torch.sin(x / 7) * torch.cos(y / 11),
            0.5 + 0.4 * torch.cos(x / 13 + y / 9),
            0.5 + 0.3 * torch.sin(x / 17) + 0.15 * torch.cos(y / 5),
        ]
    )
