"""Small tensor helpers that every painter uses."""

from __future__ import annotations

import torch
from torch import Tensor


def col(value: Tensor) -> Tensor:
    """(B,) -> (B, 1, 1), to stand beside fields (B, H, W)."""
    return value[:, None, None]


def rgb(colour: Tensor) -> Tensor:
    """(B, 3) -> (B, 3, 1, 1), to stand beside pictures (B, 3, H, W)."""
    return colour[:, :, None, None]


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


def over(base: Tensor, paint: Tensor, alpha: Tensor) -> Tensor:
    """Paint over a base, in place: base + (paint - base) * alpha."""
    return base.add_((paint - base).mul_(alpha))
