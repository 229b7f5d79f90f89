"""What images go through before a teacher sees them: batched, differentiable, seeded by a generator.

Each function takes float (B, 3, H, W) in [0, 1] and a ``torch.Generator`` on the same device, and draws anew for
every image. None of them changes which AUs a face shows.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

_LUMA = (0.299, 0.587, 0.114)


def uniform(like: Tensor, rng: torch.Generator, low: float, high: float, *shape: int) -> Tensor:
    """U(low, high), (B, *shape), on the images' device."""
    drawn = torch.rand(len(like), *shape, generator=rng, device=rng.device)
    return (drawn * (high - low) + low).to(like.device)


def _sometimes(
    images: Tensor, rng: torch.Generator, chance: float, change: Callable[[Tensor], Tensor]
) -> Tensor:
    """Changes a share of the images, and computes nothing for the others: on a CPU this costs as much as E itself."""
    chosen = (uniform(images, rng, 0, 1) < chance).nonzero()[:, 0]
    return images.index_copy(0, chosen, change(images[chosen])) if len(chosen) else images


def flip(images: Tensor, rng: torch.Generator) -> Tensor:
    """Left and right swapped, every other time: not for AU spaces that tell the sides apart."""
    return _sometimes(images, rng, 0.5, lambda chosen: chosen.flip(-1))


def desaturate(images: Tensor, rng: torch.Generator, chance: float = 0.5) -> Tensor:
    """Some of the colour, or all, taken out: paint of an odd hue is then no longer odd."""

    def drain(chosen: Tensor) -> Tensor:
        grey = (chosen * chosen.new_tensor(_LUMA)[:, None, None]).sum(1, keepdim=True)
        return chosen + uniform(chosen, rng, 0, 1, 1, 1, 1) * (grey - chosen)

    return _sometimes(images, rng, chance, drain)


def gain(images: Tensor, rng: torch.Generator, strength: float = 0.15) -> Tensor:
    """Each channel times its own factor in [1 - strength, 1 + strength], plus a common offset half as large."""
    factor = uniform(images, rng, 1 - strength, 1 + strength, 3, 1, 1)
    offset = uniform(images, rng, -strength / 2, strength / 2, 1, 1, 1)
    return (images * factor + offset).clamp(0, 1)


def blur(images: Tensor, rng: torch.Generator, chance: float = 0.3) -> Tensor:
    """A binomial 3 x 3 filter."""
    line = images.new_tensor([0.25, 0.5, 0.25])
    kernel = (line[:, None] * line).expand(3, 1, 3, 3)

    def soften(chosen: Tensor) -> Tensor:
        return F.conv2d(F.pad(chosen, (1, 1, 1, 1), mode="replicate"), kernel, groups=3)

    return _sometimes(images, rng, chance, soften)


def noise(images: Tensor, rng: torch.Generator, strength: float = 0.04) -> Tensor:
    """Gaussian noise, of another strength for every image."""
    drawn = torch.randn(images.shape, generator=rng, device=rng.device).to(images)
    return (images + drawn * uniform(images, rng, 0, strength, 1, 1, 1)).clamp(0, 1)


def move(
    images: Tensor, rng: torch.Generator, shift: float = 0.03, turn: float = 0.0, zoom: float = 0.0
) -> Tensor:
    """Shift by up to ``shift`` of the side, turn by up to ``turn`` radians, scale by up to ``1 ± zoom``."""
    angle = uniform(images, rng, -turn, turn)
    scale = uniform(images, rng, 1 - zoom, 1 + zoom)
    offset = uniform(images, rng, -2 * shift, 2 * shift, 2)
    cosine, sine = angle.cos() * scale, angle.sin() * scale
    rows = torch.stack([cosine, -sine, offset[:, 0], sine, cosine, offset[:, 1]], 1)
    grid = F.affine_grid(rows.view(-1, 2, 3), list(images.shape), align_corners=False).to(images.dtype)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)


def blobs(images: Tensor, rng: torch.Generator, chance: float = 0.4, count: int = 3) -> Tensor:
    """Soft ellipses of any colour, half transparent: the paint with which a generator would fool E."""
    size = images.shape[-1]
    line = (torch.arange(size, device=images.device) + 0.5) / size

    def paint(chosen: Tensor) -> Tensor:
        for _ in range(count):
            x, y = (uniform(chosen, rng, 0.1, 0.9, 1, 1, 1) for _ in range(2))
            wide, high = (uniform(chosen, rng, 0.02, 0.12, 1, 1, 1) for _ in range(2))
            colour = uniform(chosen, rng, 0, 1, 3, 1, 1)
            alpha = uniform(chosen, rng, 0, 0.5, 1, 1, 1)
            # A bump in two directions is the product of one in each.
            bump = torch.exp(-(((line - x) / wide) ** 2)) * torch.exp(-(((line[:, None] - y) / high) ** 2))
            chosen = chosen + alpha * bump * (colour - chosen)
        return chosen

    return _sometimes(images, rng, chance, paint)


def ghost(images: Tensor, rng: torch.Generator, chance: float = 0.3, most: float = 0.3) -> Tensor:
    """Another face of the batch shines through, at most ``most``: half of an expression is not the expression."""

    def haunt(chosen: Tensor) -> Tensor:
        return chosen + uniform(chosen, rng, 0, most, 1, 1, 1) * (chosen.roll(1, 0) - chosen)

    return _sometimes(images, rng, chance, haunt)


def for_estimator(images: Tensor, rng: torch.Generator, strength: float, *, mirror: bool = True) -> Tensor:
    """Frames on which E is trained, with their true labels; ``strength`` 0 gives no more than flipped images."""
    images = flip(images, rng) if mirror else images
    if strength == 0:
        return images
    half = len(images) // 2  # who sees faces under paint only learns little from any
    worn = ghost(images[half:], rng, 0.5 * strength)
    worn = blobs(worn, rng, 0.5 * strength)
    worn = move(worn, rng, 0.04 * strength, 0.06 * strength, 0.04 * strength)
    worn = blur(desaturate(worn, rng, 0.5 * strength), rng, 0.3 * strength)
    worn = noise(gain(worn, rng, 0.2 * strength), rng, 0.04 * strength)
    return torch.cat([images[:half], worn])


def for_classifier(images: Tensor, rng: torch.Generator) -> Tensor:
    """Stills on which C is trained."""
    images = move(flip(images, rng), rng, 0.03, 0.05, 0.05)
    return noise(gain(blur(images, rng, 0.2), rng, 0.1), rng, 0.03)


def before_estimator(images: Tensor, rng: torch.Generator) -> Tensor:
    """G's images on their way to E: what survives this is a movement, and neither a tint nor fine stripes."""
    images = gain(desaturate(images, rng, 0.8), rng, 0.12)
    return move(blur(blur(images, rng, 0.8), rng, 0.5), rng, 0.02)
