"""Precomputed noise textures, equal on all machines up to rounding."""

from __future__ import annotations

from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from gath_datasets.synthfaces.rand import Draws

#: Side of a texture in texels; textures are periodic.
TEXELS = 256
#: Channels of the texture.
BLOTCHES, MOTTLE, PORES, STRANDS, CURLS = range(5)


def _white(name: str) -> Tensor:
    seeds = torch.arange(TEXELS * TEXELS, dtype=torch.int64)
    return Draws(seeds).normal(f"white noise {name}").view(TEXELS, TEXELS)


def _band(low: float, high: float, name: str) -> Tensor:
    """Isotropic noise with ``low`` to ``high`` cycles per tile, unit variance."""
    f = torch.fft.fftfreq(TEXELS, dtype=torch.float64) * TEXELS
    radius = torch.hypot(f[:, None], f[None, :])
    mask = torch.exp(-((radius / high) ** 4)) * (1 - torch.exp(-((radius / low) ** 4)))
    z: Tensor = torch.fft.ifft2(torch.fft.fft2(_white(name)) * mask / radius.clamp(min=1).sqrt()).real
    return z / z.std()


def _strands() -> Tensor:
    """Hair strands: high frequencies along x, low frequencies along y."""
    f = torch.fft.fftfreq(TEXELS, dtype=torch.float64) * TEXELS
    across = torch.exp(-((f.abs() / 60) ** 2)) * (1 - torch.exp(-((f.abs() / 4) ** 2)))
    along = torch.exp(-((f / 2.5) ** 2))
    z: Tensor = torch.fft.ifft2(torch.fft.fft2(_white("strands")) * across[None, :] * along[:, None]).real
    return z / z.std()


@lru_cache(maxsize=4)
def textures(device: str) -> Tensor:
    """All textures, float32 (1, channels, TEXELS + 1, TEXELS + 1): the last row and column repeat the first."""
    curls = _band(11, 34, "curls")
    stacked = torch.stack(
        [_band(1, 6, "blotches"), _band(8, 36, "mottle"), _band(28, 90, "pores"), _strands(), curls]
    )
    return F.pad(stacked[None].float(), (0, 1, 0, 1), mode="circular").to(device)


def sample(channels: slice, x: Tensor, y: Tensor) -> Tensor:
    """Textures at x, y in tiles; x, y (B, H, W) -> (B, C, H, W)."""
    grid = torch.stack([x - x.floor(), y - y.floor()], -1).mul_(2).sub_(1)
    texture = textures(str(x.device))[:, channels].expand(len(x), -1, -1, -1)
    return F.grid_sample(texture, grid, mode="bilinear", padding_mode="border", align_corners=True)
