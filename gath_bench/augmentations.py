"""Image augmentations that keep the action units of a face: batched, differentiable, seeded.

Every function takes float32 (B, 3, H, W) images in [0, 1] and a ``torch.Generator`` on their device, draws its
parameters anew for each image, and returns images of the same shape in [0, 1]. None of them changes which AUs a face
shows, so labels stay valid. `apply_to_share` applies any of them to a random share of a batch.

`paint`, `tint` and `ghost` imitate artefacts by which a generator could fool an AU estimator without moving the face.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Generator, Tensor

Augmentation = Callable[["Tensor", "Generator"], "Tensor"]

#: Weights of red, green and blue in the luma of ITU-R BT.601.
LUMA = (0.299, 0.587, 0.114)
#: Quantisation of luma, row by row (ITU-T T.81, Annex K).
_LUMA_TABLE = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)


def uniform(images: Tensor, rng: Generator, low: float, high: float, *shape: int) -> Tensor:
    """U(low, high) of shape (B, *shape), on the device and in the type of the images."""
    import torch

    drawn = torch.rand(len(images), *shape, generator=rng, device=rng.device)
    return (drawn * (high - low) + low).to(images)


def apply_to_share(images: Tensor, rng: Generator, share: float, augmentation: Augmentation) -> Tensor:
    """Apply an augmentation to each image with probability ``share``; the others cost nothing."""
    chosen = (uniform(images, rng, 0, 1) < share).nonzero()[:, 0]
    if len(chosen) == 0:
        return images
    return images.index_copy(0, chosen, augmentation(images[chosen], rng))


def flip(images: Tensor, rng: Generator) -> Tensor:
    """Mirror half of the images. Not for AU spaces that distinguish left from right."""
    return apply_to_share(images, rng, 0.5, lambda chosen, _: chosen.flip(-1))


def affine(
    images: Tensor,
    rng: Generator,
    *,
    shift: float = 0.03,
    turn: float = 0.0,
    zoom: float = 0.0,
    ripple: float = 0.0,
) -> Tensor:
    """Shift, rotate and scale; outside the image it is mirrored.

    Args:
        shift: the largest shift, as a share of the side.
        turn: the largest rotation, in radians.
        zoom: scales lie in [1 - zoom, 1 + zoom].
        ripple: standard deviation of a smooth random displacement in pixels, at most; 0 for none.
    """
    import torch.nn.functional as F
    from torch import stack

    angle, scale = uniform(images, rng, -turn, turn), uniform(images, rng, 1 - zoom, 1 + zoom)
    offset = uniform(images, rng, -2 * shift, 2 * shift, 2)
    cosine, sine = angle.cos() * scale, angle.sin() * scale
    matrix = stack([cosine, -sine, offset[:, 0], sine, cosine, offset[:, 1]], 1).view(-1, 2, 3)
    positions = F.affine_grid(matrix, list(images.shape), align_corners=False)
    if ripple:
        # Positions run from -1 to 1, so that a pixel is 2 / width.
        strength = uniform(images, rng, 0, 2 * ripple / images.shape[-1], 1, 1, 1)
        displacement = smooth_noise(images, rng, 2, _knots(rng, 3, 6)) * strength
        positions = positions + displacement.permute(0, 2, 3, 1)
    return F.grid_sample(images, positions, padding_mode="reflection", align_corners=False).clamp(0, 1)


def saturation(images: Tensor, rng: Generator, *, low: float = 0.0, high: float = 1.0) -> Tensor:
    """Scale the distance of each pixel from its luma by a factor in [low, high]: 0 is grey, 1 the image itself."""
    grey = (images * images.new_tensor(LUMA)[:, None, None]).sum(1, keepdim=True)
    return (grey + (images - grey) * uniform(images, rng, low, high, 1, 1, 1)).clamp(0, 1)


def gain(
    images: Tensor, rng: Generator, *, channels: float = 0.15, common: float = 0.0, offset: float = 0.075
) -> Tensor:
    """Multiply each channel by its own factor and all by a common one, and add a common offset.

    Args:
        channels: the channels' factors lie in [1 - channels, 1 + channels].
        common: the common factor lies in [1 - common, 1 + common].
        offset: the offset lies in [-offset, offset].
    """
    factor = uniform(images, rng, 1 - channels, 1 + channels, 3, 1, 1)
    if common:
        factor = factor * uniform(images, rng, 1 - common, 1 + common, 1, 1, 1)
    return (images * factor + uniform(images, rng, -offset, offset, 1, 1, 1)).clamp(0, 1)


def blur(images: Tensor, rng: Generator, *, passes: int = 1, local: bool = False) -> Tensor:
    """A binomial 3 x 3 filter, one or more times.

    Args:
        passes: the largest number of times; each image gets its own number from 1 on.
        local: blur a smooth random region instead of the whole image.
    """
    import torch
    import torch.nn.functional as F

    line = images.new_tensor([0.25, 0.5, 0.25])
    kernel = (line[:, None] * line).expand(3, 1, 3, 3)
    count = torch.randint(1, passes + 1, (len(images), 1, 1, 1), generator=rng, device=rng.device)
    blurred = images
    for i in range(passes):
        softer = F.conv2d(F.pad(blurred, (1, 1, 1, 1), mode="replicate"), kernel, groups=3)
        blurred = torch.where(count.to(images.device) > i, softer, blurred)
    return images + (blurred - images) * _region(images, rng) if local else blurred


def noise(images: Tensor, rng: Generator, *, strength: float = 0.04, sparse: bool = False) -> Tensor:
    """Gaussian noise with a standard deviation in [0, strength].

    Args:
        strength: the largest standard deviation.
        sparse: only a random share of the pixels of each image, from 2 % to all.
    """
    import torch

    drawn = torch.randn(images.shape, generator=rng, device=rng.device).to(images)
    drawn = drawn * uniform(images, rng, 0, strength, 1, 1, 1)
    if sparse:
        share = uniform(images, rng, 0.02, 1, 1, 1, 1)
        where = torch.rand(images[:, :1].shape, generator=rng, device=rng.device).to(images) < share
        drawn = drawn * where
    return (images + drawn).clamp(0, 1)


def lighting(images: Tensor, rng: Generator, *, strength: float = 0.3) -> Tensor:
    """Multiply by a smooth field with mean 1 and a standard deviation up to ``strength``: uneven light."""
    field = smooth_noise(images, rng, 1, _knots(rng, 2, 3)) * uniform(images, rng, 0, strength, 1, 1, 1)
    return (images * (1 + field)).clamp(0, 1)


def occlude(images: Tensor, rng: Generator, *, size: float = 0.3) -> Tensor:
    """Cover part of the image with an opaque textured ellipse, like a hand, hair or a microphone.

    Args:
        size: the largest half axis, as a share of the side.
    """
    import torch

    side = images.shape[-1]
    line = (torch.arange(side, device=images.device, dtype=images.dtype) + 0.5) / side
    centre_x, centre_y, angle = (uniform(images, rng, 0, high, 1, 1, 1) for high in (1, 1, torch.pi))
    width, height = (uniform(images, rng, size / 5, size, 1, 1, 1) for _ in range(2))
    x, y = line - centre_x, line[:, None] - centre_y
    along, across = x * angle.cos() + y * angle.sin(), y * angle.cos() - x * angle.sin()
    distance = ((along / width) ** 2 + (across / height) ** 2).sqrt()
    # An edge of about two pixels.
    cover = ((1 - distance) * torch.minimum(width, height) * side / 2 + 0.5).clamp(0, 1)
    texture = 0.1 * smooth_noise(images, rng, 3, _knots(rng))
    colour = (uniform(images, rng, 0, 1, 3, 1, 1) + texture).clamp(0, 1)
    return images + (colour - images) * cover


def downscale(images: Tensor, rng: Generator, *, most: float = 3.0) -> Tensor:
    """Reduce the resolution by a common factor in [1, most] and enlarge again, as an upsampled face has it."""
    import torch
    import torch.nn.functional as F

    factor = 1 + (most - 1) * float(torch.rand((), generator=rng, device=rng.device))
    size = max(8, round(images.shape[-1] / factor))
    small = F.interpolate(images, size=(size, size), mode="bilinear", antialias=True, align_corners=False)
    return F.interpolate(small, size=images.shape[-2:], mode="bilinear", align_corners=False).clamp(0, 1)


def compress(images: Tensor, rng: Generator, *, least: int = 20, most: int = 90) -> Tensor:
    """Artefacts of JPEG: quantised 8 x 8 cosine transforms of luma and chroma, without subsampling.

    The quantisation table is that of luma in Annex K of ITU-T T.81, scaled by a quality in [least, most] as in
    libjpeg. Gradients pass as if nothing was rounded. Both sides of the images must be multiples of 8.
    """
    import torch

    count, _, height, width = images.shape
    weights = images.new_tensor([[0.299, 0.587, 0.114], [-0.1687, -0.3313, 0.5], [0.5, -0.4187, -0.0813]])
    planes = torch.einsum("ij,bjhw->bihw", weights, images * 255)
    planes = planes - planes.new_tensor([128.0, 0.0, 0.0])[:, None, None]
    blocks = planes.unfold(2, 8, 8).unfold(3, 8, 8)  # (B, 3, H / 8, W / 8, 8, 8)
    k = torch.arange(8, device=images.device, dtype=images.dtype)
    basis = torch.cos((2 * k + 1) * k[:, None] * torch.pi / 16) / 2
    basis[0] /= 2**0.5
    quality = uniform(images, rng, least, most, 1, 1, 1, 1, 1)
    scale = torch.where(quality < 50, 50 / quality, 2 - quality / 50)
    table = (images.new_tensor(_LUMA_TABLE).view(8, 8) * scale).clamp(min=1)
    coefficients = basis @ blocks @ basis.T / table
    rounded = coefficients + (coefficients.round() - coefficients).detach()
    blocks = basis.T @ (rounded * table) @ basis
    planes = blocks.permute(0, 1, 2, 4, 3, 5).reshape(count, 3, height, width)
    planes = planes + planes.new_tensor([128.0, 0.0, 0.0])[:, None, None]
    return (torch.einsum("ij,bjhw->bihw", torch.linalg.inv(weights), planes) / 255).clamp(0, 1)


def paint(images: Tensor, rng: Generator, *, most: float = 0.7) -> Tensor:
    """Soft blobs of random colour over the face, of an opacity up to ``most``."""
    knots = _knots(rng)
    colour = 0.5 + 0.35 * smooth_noise(images, rng, 3, knots)
    shape = (smooth_noise(images, rng, 1, knots) - uniform(images, rng, 0, 1.5, 1, 1, 1)).clamp(0, 1)
    return (images + (colour - images) * shape * uniform(images, rng, 0, most, 1, 1, 1)).clamp(0, 1)


def tint(images: Tensor, rng: Generator, *, strength: float = 0.15) -> Tensor:
    """Add smooth colour of a standard deviation up to ``strength``, as a generator's residual does."""
    added = smooth_noise(images, rng, 3, _knots(rng)) * uniform(images, rng, 0, strength, 1, 1, 1)
    return (images + added).clamp(0, 1)


def ghost(images: Tensor, rng: Generator, *, most: float = 0.35, own: float = 0.5) -> Tensor:
    """Blend in another face of the batch, or the same face shifted by up to 3 pixels, in a smooth random region.

    Args:
        most: the largest weight of the second face: half of an expression is not the expression.
        own: probability that the second face is the image's own.
    """
    import torch

    rows, columns = torch.randint(-3, 4, (2,), generator=rng, device=rng.device).tolist()
    shifted = images.roll((rows, columns), (2, 3))
    second = torch.where(uniform(images, rng, 0, 1, 1, 1, 1) < own, shifted, images.roll(1, 0))
    weight = _region(images, rng) * uniform(images, rng, 0, most, 1, 1, 1)
    return images + (second - images) * weight


def pixelate(images: Tensor, rng: Generator, *, most: float = 0.8) -> Tensor:
    """Blend with the image of half the resolution, enlarged by repetition: a regular pattern of 2 x 2 pixels."""
    import torch.nn.functional as F

    coarse = F.interpolate(F.avg_pool2d(images, 2), size=images.shape[-2:], mode="nearest")
    return images + (coarse - images) * uniform(images, rng, 0, most, 1, 1, 1)


def smooth_noise(images: Tensor, rng: Generator, channels: int, knots: int) -> Tensor:
    """Bicubic interpolation of ``knots`` x ``knots`` standard normal values: (B, channels, H, W)."""
    import torch
    import torch.nn.functional as F

    values = torch.randn(len(images), channels, knots, knots, generator=rng, device=rng.device).to(images)
    return F.interpolate(values, size=images.shape[-2:], mode="bicubic", align_corners=False)


def _region(images: Tensor, rng: Generator) -> Tensor:
    """Weights in [0, 1] of a smooth random region, from nowhere to everywhere: (B, 1, H, W)."""
    return (smooth_noise(images, rng, 1, 4) + uniform(images, rng, -1, 2, 1, 1, 1)).clamp(0, 1)


def _knots(rng: Generator, least: int = 2, most: int = 16) -> int:
    """A number of knots, in [least, most]."""
    import torch

    return int(torch.randint(least, most + 1, (1,), generator=rng, device=rng.device))
