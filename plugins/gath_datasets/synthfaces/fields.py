"""Sums of axis-aligned Gaussians over the canonical grid, as one batched matrix product.

A Gaussian is separable, so a sum of K Gaussians over H x W pixels is (H, K) @ (K, W). This makes relief, shadow, blush
and displacement fields cheap at any size.
"""

from __future__ import annotations

import torch
from torch import Tensor

Number = Tensor | float


class Bumps:
    """A list of Gaussians; every number is a float or a tensor (B,)."""

    def __init__(self, like: Tensor) -> None:
        self._like = like
        self._rows: list[tuple[Number, ...]] = []

    def add(self, amplitude: Number, x: Number, y: Number, width: Number, height: Number) -> None:
        """Add a Gaussian with its centre and its 1/e half widths."""
        self._rows.append((amplitude, x, y, width, height))

    def pair(self, amplitude: Number, x: Number, y: Number, width: Number, height: Number) -> None:
        """Add a Gaussian on each side; amplitude, x and y may be (B, 2), the left side of the image first."""
        for side, sign in ((0, -1.0), (1, 1.0)):
            self.add(_side(amplitude, side), sign * _side(x, side), _side(y, side), width, height)

    def evaluate(self, x: Tensor, y: Tensor) -> Tensor:
        """The sum of the Gaussians at x (W,), y (H,): (B, H, W)."""
        batch = len(self._like)
        # Floats become one constant block; tensors are stacked once.
        flat = [n.expand(batch) if isinstance(n, Tensor) else None for row in self._rows for n in row]
        floats = [0.0 if isinstance(n, Tensor) else n for row in self._rows for n in row]
        constants = torch.tensor(floats, dtype=torch.float32, device=self._like.device)
        table = constants.expand(batch, -1).clone()
        held = [i for i, n in enumerate(flat) if n is not None]
        if held:
            table[:, held] = torch.stack([flat[i] for i in held], -1)  # type: ignore[misc]
        amplitude, cx, cy, sx, sy = table.view(batch, -1, 5).unbind(-1)
        across = (x - cx[..., None]) / sx[..., None]
        down = (y - cy[..., None]) / sy[..., None]
        across = torch.exp(-(across * across))
        down = torch.exp(-(down * down)) * amplitude[..., None]
        return torch.matmul(down.transpose(1, 2), across)


def _side(value: Number, side: int) -> Number:
    if not isinstance(value, Tensor) or value.dim() == 1:
        return value
    return value[:, side if value.shape[1] == 2 else 0]
