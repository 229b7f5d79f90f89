"""Disguises: what may happen to a picture without the face in it moving. The labels stay true.

An estimator that never met paint takes it for movement: a generator that is graded by it then learns to paint
blobs on an unmoved face. So evaluators learn on disguised pictures, with the face's own AUs as the label. All
functions take float32 (B, 3, H, W) in [0, 1] and a seeded generator, and draw strengths image by image.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

Disguise = Callable[[Tensor, Generator], Tensor]


def _uniform(images: Tensor, g: Generator, low: float, high: float, channels: int = 1) -> Tensor:
    return torch.rand(len(images), channels, 1, 1, generator=g, device=g.device) * (high - low) + low


def _cells(images: Tensor, g: Generator, channels: int, cells: int) -> Tensor:
    """Smooth noise in about [-1, 1], (B, channels, H, W): ``cells`` knots a side."""
    knots = torch.randn(len(images), channels, cells, cells, generator=g, device=g.device)
    return F.interpolate(knots, size=images.shape[-2:], mode="bicubic", align_corners=False)


def _knots(g: Generator, least: int = 2, most: int = 16) -> int:
    return int(torch.randint(least, most + 1, (1,), generator=g, device=g.device))


def move(images: Tensor, g: Generator) -> Tensor:
    """Mirror, shift by up to 3 % of the side, turn by up to 2 degrees, zoom by up to 3 %, warp by half a pixel."""
    count, _, height, width = images.shape
    angle = (torch.rand(count, generator=g, device=g.device) * 2 - 1) * 0.035
    zoom = 1 + (torch.rand(count, generator=g, device=g.device) * 2 - 1) * 0.03
    mirror = torch.where(torch.rand(count, generator=g, device=g.device) < 0.5, -1.0, 1.0)
    shift = (torch.rand(count, 2, generator=g, device=g.device) * 2 - 1) * 0.06
    rows = [
        torch.stack([zoom * angle.cos() * mirror, -zoom * angle.sin(), shift[:, 0]], 1),
        torch.stack([zoom * angle.sin() * mirror, zoom * angle.cos(), shift[:, 1]], 1),
    ]
    grid = F.affine_grid(torch.stack(rows, 1), [count, 3, height, width], align_corners=False)
    ripple = _cells(images, g, 2, _knots(g, 3, 6)) * _uniform(images, g, 0, 1 / width)
    return F.grid_sample(
        images, grid + ripple.permute(0, 2, 3, 1), padding_mode="reflection", align_corners=False
    )


def relight(images: Tensor, g: Generator) -> Tensor:
    """Brightness, contrast, a gain for each channel, and colour drained or doubled."""
    grey = images.mean(1, keepdim=True)
    images = grey + (images - grey) * _uniform(images, g, 0, 1.6)
    images = images * _uniform(images, g, 0.8, 1.2, 3) * _uniform(images, g, 0.8, 1.2)
    return images + _uniform(images, g, -0.08, 0.08)


def paint(images: Tensor, g: Generator) -> Tensor:
    """Soft blobs of colour, opaque in places."""
    knots = _knots(g)
    colour = 0.5 + 0.35 * _cells(images, g, 3, knots)
    opacity = (_cells(images, g, 1, knots) - _uniform(images, g, 0, 1.5)).clamp(0, 1)
    return images + (colour - images) * opacity * _uniform(images, g, 0, 0.7)


def tint(images: Tensor, g: Generator) -> Tensor:
    """A residual of smooth colour, as generators add."""
    return images + _cells(images, g, 3, _knots(g)) * _uniform(images, g, 0, 0.15)


def blur(images: Tensor, g: Generator) -> Tensor:
    """Up to what 3 of 64 pixels of averaging leave; now and then everywhere, now and then in places."""
    soft = F.avg_pool2d(F.pad(images, (1, 1, 1, 1), mode="replicate"), 3, 1)
    softer = F.avg_pool2d(F.pad(soft, (1, 1, 1, 1), mode="replicate"), 3, 1)
    where = (_cells(images, g, 1, 3) + _uniform(images, g, -1, 2)).clamp(0, 1)
    return images + (torch.where(_uniform(images, g, 0, 1) < 0.5, soft, softer) - images) * where


def ghost(images: Tensor, g: Generator) -> Tensor:
    """A faint second face over the first, somewhere or everywhere: another's, or its own, moved."""
    other = images.roll(1, 0)
    own = images.roll(tuple((torch.randint(-3, 4, (2,), generator=g, device=g.device)).tolist()), (2, 3))
    second = torch.where(_uniform(images, g, 0, 1) < 0.5, other, own)
    where = (_cells(images, g, 1, 4) + _uniform(images, g, -1, 2)).clamp(0, 1)
    return images + (second - images) * where * _uniform(images, g, 0, 0.35)


def coarsen(images: Tensor, g: Generator) -> Tensor:
    """Generators' marks: a grid of two pixels, speckle, and fine noise."""
    half = F.interpolate(F.avg_pool2d(images, 2), size=images.shape[-2:], mode="nearest")
    images = images + (half - images) * _uniform(images, g, 0, 0.8)
    speckle = torch.randn(images.shape, generator=g, device=g.device) * _uniform(images, g, 0, 0.08)
    sparse = (
        torch.rand(images[:, :1].shape, generator=g, device=g.device) < _uniform(images, g, 0.02, 1)
    ).float()
    return images + speckle * sparse


#: Each with the share of images that wear it; those that hide little come first in training.
LIGHT: tuple[tuple[Disguise, float], ...] = ((move, 0.7), (relight, 0.4))
HEAVY: tuple[tuple[Disguise, float], ...] = (
    (paint, 0.3), (tint, 0.3), (blur, 0.2), (ghost, 0.25), (coarsen, 0.2),
)  # fmt: skip


def disguise(images: Tensor, g: Generator, hardness: float = 1.0) -> Tensor:
    """Every disguise on its share of the images.

    Args:
        images: float32 (B, 3, H, W) in [0, 1].
        g: random numbers, on the images' device.
        hardness: in [0, 1], scales the shares of the heavy ones.
    """
    for wear, share in (*LIGHT, *((wear, share * hardness) for wear, share in HEAVY)):
        chosen = (torch.rand(len(images), generator=g, device=g.device) < share).nonzero().flatten()
        if len(chosen):
            images = images.index_copy(0, chosen, wear(images[chosen], g).clamp(0, 1))
    return images


def paint_against(network: nn.Module, images: Tensor, wanted: Tensor, knots: int, strength: float) -> Tensor:
    """Paint chosen by a network's own gradient to make it see other AUs on the unmoved face.

    One step of the fast gradient sign method (Goodfellow, Shlens and Szegedy, Explaining and Harnessing
    Adversarial Examples, ICLR 2015) on a grid of ``knots`` x ``knots`` colours.

    Args:
        network: images -> AUs (B, K).
        images: (B, 3, H, W) in [0, 1].
        wanted: the AUs that the paint shall feign, (B, K).
        knots: knots a side; few make smooth blobs, many make patterns.
        strength: the most a colour changes.
    """
    colours = images.new_zeros(len(images), 3, knots, knots).requires_grad_()
    spread = F.interpolate(colours, size=images.shape[-2:], mode="bilinear", align_corners=False)
    error = F.mse_loss(network(images + spread).float(), wanted)
    (slope,) = torch.autograd.grad(error, colours)
    step = F.interpolate(
        -slope.sign() * strength, size=images.shape[-2:], mode="bilinear", align_corners=False
    )
    return (images + step).clamp(0, 1)
