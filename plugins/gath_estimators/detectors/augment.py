"""Domain randomisation for detector training: lighting, colour, blur, noise, compression, occluders, textures.

All functions take and return float32 (B, 3, H, W) in [0, 1] and draw from torch's global generator, which the
trainer seeds.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor


def uniform(count: int, low: float, high: float, channels: int = 1) -> Tensor:
    """U(low, high), (count, channels, 1, 1)."""
    return torch.rand(count, channels, 1, 1) * (high - low) + low


def chance(count: int, p: float) -> Tensor:
    """1.0 with probability p, else 0.0, (count, 1, 1, 1)."""
    return (torch.rand(count, 1, 1, 1) < p).float()


def smooth_noise(count: int, channels: int, side: int, cells: int) -> Tensor:
    """Smooth noise of unit variance at ``cells`` x ``cells`` knots, (count, channels, side, side)."""
    knots = torch.randn(count, channels, cells, cells)
    return F.interpolate(knots, size=(side, side), mode="bicubic", align_corners=False)


def textures(count: int, side: int) -> Tensor:
    """Procedural backgrounds: noise of several octaves, stripes, and random rectangles and ellipses in layers."""
    colour, other = torch.rand(count, 3, 1, 1), torch.rand(count, 3, 1, 1)
    octaves = torch.zeros(count, 1, side, side)
    for cells in (2, 4, 8, 16, side // 4, side // 2):
        octaves = octaves + smooth_noise(count, 1, side, cells) * uniform(count, 0, 1) * (6 / (cells + 6))
    axis = torch.linspace(-1, 1, side)
    x, y = axis[None, None, None, :], axis[None, None, :, None]
    angle, frequency = uniform(count, 0, math.pi), torch.exp(uniform(count, 0.5, 4.2))
    wave = torch.sin(frequency * (x * angle.cos() + y * angle.sin()) + uniform(count, 0, 6.28) + octaves)
    mix = (0.5 + 0.35 * octaves + 0.4 * chance(count, 0.4) * wave).clamp(0, 1)
    picture = colour + (other - colour) * mix
    picture = picture + uniform(count, 0, 0.12) * smooth_noise(count, 3, side, side // 2)
    for _ in range(5):
        centre_x, centre_y = uniform(count, -1.1, 1.1), uniform(count, -1.1, 1.1)
        turn = uniform(count, 0, math.pi)
        u = (x - centre_x) * turn.cos() + (y - centre_y) * turn.sin()
        v = (y - centre_y) * turn.cos() - (x - centre_x) * turn.sin()
        u = u / torch.exp(uniform(count, -3.0, 0.0))
        v = v / torch.exp(uniform(count, -3.0, 0.0))
        round_one = chance(count, 0.5)
        distance = round_one * (u * u + v * v).sqrt() + (1 - round_one) * torch.maximum(u.abs(), v.abs())
        inside = ((1 - distance) * torch.exp(uniform(count, 0.7, 3.5))).clamp(0, 1) * chance(count, 0.6)
        fill = torch.rand(count, 3, 1, 1) + uniform(count, 0, 0.3) * octaves
        picture = picture + (fill - picture) * inside
    return picture.clamp(0, 1)


class TextureBank:
    """Backgrounds drawn once, then varied: cut out, mirrored, with permuted channels.

    Args:
        count: number of textures to draw.
        side: of the textures in pixels.
    """

    def __init__(self, count: int, side: int) -> None:
        parts = [(textures(64, side) * 255).round().byte() for _ in range(count // 64)]
        self._images = torch.cat(parts)

    def draw(self, count: int, side: int) -> Tensor:
        """(count, 3, side, side)."""
        room = self._images.shape[-1] - side
        top, left = (int(torch.randint(room + 1, ())) for _ in range(2))
        chosen = self._images[
            torch.randint(len(self._images), (count,)), :, top : top + side, left : left + side
        ]
        chosen = chosen[:, torch.randperm(3)].float() / 255
        return chosen.flip(-1) if torch.rand(()) < 0.5 else chosen


def relight(x: Tensor) -> Tensor:
    """Directional light, cast shadows with soft or hard edges, and coloured ambient light."""
    count, side = len(x), x.shape[-1]
    field = smooth_noise(count, 1, side, 3) * uniform(count, 0, 0.35)
    field = field + smooth_noise(count, 3, side, 2) * uniform(count, 0, 0.10)
    axis = torch.linspace(-1, 1, side)
    angle = uniform(count, 0, 2 * math.pi)
    slope = axis[None, None, None, :] * angle.cos() + axis[None, None, :, None] * angle.sin()
    field = field + slope * uniform(count, 0, 0.6) * chance(count, 0.5)
    edge = torch.sigmoid((slope - uniform(count, -0.8, 0.8)) * torch.exp(uniform(count, 1.0, 3.5)))
    field = field - edge * uniform(count, 0, 0.9) * chance(count, 0.2)
    return (x * torch.exp(field)).clamp(0, 1)


def recolour(x: Tensor) -> Tensor:
    """Gain, offset, gamma, saturation, channel mixing, grey; now and then posterised or inverted in colour."""
    count = len(x)
    mixing = torch.eye(3) + 0.10 * torch.randn(count, 3, 3) * (torch.rand(count, 1, 1) < 0.4)
    x = torch.einsum("bij,bjhw->bihw", mixing, x)
    grey = x.mean(1, keepdim=True)
    saturation = torch.where(chance(count, 0.25) > 0, torch.zeros(count, 1, 1, 1), uniform(count, 0.2, 1.4))
    x = grey + (x - grey) * saturation
    tint = torch.exp(uniform(count, -0.2, 0.2, 3))
    contrast, middle = torch.exp(uniform(count, -0.5, 0.4)), x.mean((1, 2, 3), keepdim=True)
    x = ((x - middle) * contrast + middle) * tint + uniform(count, -0.15, 0.15)
    x = x.clamp(0, 1) ** torch.exp(uniform(count, -0.5, 0.5))
    levels = torch.exp(uniform(count, 1.4, 3.0))
    posterised = (x * levels).round() / levels
    return x + (posterised - x) * chance(count, 0.04)


def soften(x: Tensor) -> Tensor:
    """Blur, loss of resolution, or sharpening; drawn for each image."""
    side = x.shape[-1]
    kind = torch.rand(len(x))
    x = x.clone()
    for low, high, factor in ((0.0, 0.12, 2.0), (0.12, 0.22, 3.0), (0.22, 0.27, 4.0)):
        chosen = ((kind >= low) & (kind < high)).nonzero().flatten()
        if len(chosen):
            small = F.interpolate(
                x[chosen], scale_factor=1 / factor, mode="bilinear", antialias=True, align_corners=False
            )
            mode = "bilinear" if torch.rand(()) < 0.7 else "bicubic"
            x[chosen] = F.interpolate(small, size=(side, side), mode=mode, align_corners=False)
    chosen = ((kind >= 0.27) & (kind < 0.5)).nonzero().flatten()
    if len(chosen):
        part = x[chosen]
        mean = F.avg_pool2d(F.pad(part, (1, 1, 1, 1), mode="replicate"), 3, 1)
        # Negative amounts sharpen.
        x[chosen] = part + (mean - part) * uniform(len(chosen), -1.2, 1.0)
    chosen = ((kind >= 0.5) & (kind < 0.58)).nonzero().flatten()
    if len(chosen):  # brush strokes: a median keeps edges and removes detail
        windows = F.unfold(F.pad(x[chosen], (1, 1, 1, 1), mode="replicate"), 3)
        windows = windows.view(len(chosen), 3, 9, side, side)
        x[chosen] = windows.median(2).values
    return x


@lru_cache(maxsize=1)
def _dct() -> Tensor:
    """The orthonormal DCT-II matrix of 8 points."""
    k, n = torch.arange(8.0)[:, None], torch.arange(8.0)[None]
    matrix = torch.cos(math.pi * (n + 0.5) * k / 8) * math.sqrt(2 / 8)
    matrix[0] /= math.sqrt(2)
    return matrix


def compress(x: Tensor) -> Tensor:
    """JPEG-like artefacts: 8 x 8 DCT coefficients quantised with steps that grow with frequency."""
    count, channels, height, width = x.shape
    d = _dct()
    blocks = x.view(count, channels, height // 8, 8, width // 8, 8).permute(0, 1, 2, 4, 3, 5)
    coefficients = d @ blocks @ d.T
    frequency = torch.arange(8.0)[:, None] + torch.arange(8.0)[None]
    step = (0.02 + 0.012 * frequency) * torch.exp(uniform(count, -1.5, 1.6))[:, :, None, None]
    restored = d.T @ ((coefficients / step).round() * step) @ d
    return restored.permute(0, 1, 2, 4, 3, 5).reshape(x.shape)


def degrade(x: Tensor) -> Tensor:
    """Variation of photographs and artworks, each applied to its share of the images."""
    count = len(x)
    plain = chance(count, 0.2)
    x = x + (recolour(relight(x)) - x) * (1 - plain)
    x = soften(x)
    noise = torch.randn_like(x) * uniform(count, 0, 0.05) * chance(count, 0.3)
    x = (x + noise).clamp(0, 1)
    jpeg = (torch.rand(count) < 0.35).nonzero().flatten()
    if len(jpeg):
        x = x.index_copy(0, jpeg, compress(x[jpeg]))
    return x.clamp(0, 1)


def occlude(x: Tensor, p: float, largest: float = 0.4) -> Tensor:
    """Cover a rotated rectangle or ellipse of some images with a texture or with a piece of another image."""
    count, side = len(x), x.shape[-1]
    axis = torch.linspace(-1, 1, side)
    turn = uniform(count, 0, math.pi)
    dx = axis[None, None, None, :] - uniform(count, -1, 1)
    dy = axis[None, None, :, None] - uniform(count, -1, 1)
    u = (dx * turn.cos() + dy * turn.sin()) / uniform(count, 0.08, largest)
    v = (dy * turn.cos() - dx * turn.sin()) / uniform(count, 0.08, largest)
    round_one = chance(count, 0.5)
    distance = round_one * (u * u + v * v).sqrt() + (1 - round_one) * torch.maximum(u.abs(), v.abs())
    cover = ((1 - distance) * 8).clamp(0, 1) * chance(count, p)
    flat = torch.rand(count, 3, 1, 1) + 0.2 * smooth_noise(count, 3, side, 4)
    pieces = x.roll(1, 0).roll((side // 2, side // 3), (2, 3))
    fill = torch.where(chance(count, 0.6) > 0, flat, pieces)
    return (x + (fill - x) * cover).clamp(0, 1)
