"""Tensor helpers of the renderer."""

from __future__ import annotations

import torch
from torch import Tensor


def col(value: Tensor) -> Tensor:
    """(B,) -> (B, 1, 1), to broadcast with fields (B, H, W)."""
    return value[:, None, None]


def rgb(colour: Tensor) -> Tensor:
    """(B, 3) -> (B, 3, 1, 1), to broadcast with images (B, 3, H, W)."""
    return colour[:, :, None, None]


def per_side(value: Tensor) -> Tensor:
    """(B,) or (B, 2) -> (B, 1 or 2, 1, 1), to broadcast with mirrored windows (B, 2, h, w)."""
    return value[:, None, None, None] if value.dim() == 1 else value[:, :, None, None]


def per_side_rgb(colour: Tensor) -> Tensor:
    """(B, 3) -> (B, 1, 3, 1, 1), to broadcast with mirrored windows (B, 2, 3, h, w)."""
    return colour[:, None, :, None, None]


def ramp(x: Tensor, low: Tensor | float, high: Tensor | float) -> Tensor:
    """Smooth step: 0 at low, 1 at high (low may be above high)."""
    t = ((x - low) / (high - low)).clamp(0, 1)
    return t * t * (3 - 2 * t)


def step(distance: Tensor, softness: Tensor | float) -> Tensor:
    """Antialiased step of a signed distance: 0 outside, 1 inside, linear over +- softness."""
    return (distance * (0.5 / softness) + 0.5).clamp(0, 1)


def bell(x: Tensor, centre: Tensor | float, width: Tensor | float) -> Tensor:
    """exp(-((x - centre) / width)^2)."""
    t = (x - centre) / width
    return torch.exp(-(t * t))


def over(base: Tensor, layer: Tensor, alpha: Tensor) -> Tensor:
    """Composite a layer over a base, in place: base + (layer - base) * alpha."""
    return base.add_((layer - base).mul_(alpha))
