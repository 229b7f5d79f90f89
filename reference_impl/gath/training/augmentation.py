"""Which augmentations images go through before a network sees them.

All functions take float32 (B, 3, H, W) in [0, 1] and a ``torch.Generator`` on the same device.
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from gath_bench import augmentations as library
from gath_bench.augmentations import apply_to_share


def augment_frames(images: Tensor, rng: torch.Generator, strength: float, *, mirror: bool = True) -> Tensor:
    """Training images of E: artefacts, colour, blur, noise and small moves on half of the batch.

    Args:
        strength: in [0, 1]; with 0, images are mirrored and nothing else.
        mirror: whether the AU space allows mirroring.
    """
    images = library.flip(images, rng) if mirror else images
    if strength == 0:
        return images
    half = len(images) // 2  # a network that sees artefacts only learns slowly
    changed = images[half:]
    changed = apply_to_share(changed, rng, 0.5 * strength, partial(library.ghost, most=0.3))
    changed = apply_to_share(changed, rng, 0.5 * strength, partial(library.paint, most=0.6))
    moves = {"shift": 0.04 * strength, "turn": 0.06 * strength, "zoom": 0.04 * strength}
    changed = library.affine(changed, rng, **moves)
    changed = apply_to_share(changed, rng, 0.5 * strength, library.saturation)
    changed = apply_to_share(changed, rng, 0.3 * strength, library.blur)
    changed = library.gain(changed, rng, channels=0.2 * strength, offset=0.1 * strength)
    return torch.cat([images[:half], library.noise(changed, rng, strength=0.04 * strength)])


def augment_stills(images: Tensor, rng: torch.Generator) -> Tensor:
    """Training images of C."""
    images = library.affine(library.flip(images, rng), rng, shift=0.03, turn=0.05, zoom=0.05)
    images = apply_to_share(images, rng, 0.2, library.blur)
    return library.noise(library.gain(images, rng, channels=0.1, offset=0.05), rng, strength=0.03)


def wash(images: Tensor, rng: torch.Generator) -> Tensor:
    """Generated images before E reads them: movements survive, colour casts and fine patterns do not."""
    images = apply_to_share(images, rng, 0.8, library.saturation)
    images = library.gain(images, rng, channels=0.12, offset=0.06)
    images = apply_to_share(images, rng, 0.8, library.blur)
    images = apply_to_share(images, rng, 0.5, library.blur)
    return library.affine(images, rng, shift=0.02)


def randomize(images: Tensor, rng: torch.Generator, strength: float) -> Tensor:
    """Domain randomisation of rendered portraits towards photos.

    Alignment, colour, light, occlusion, resolution, compression and noise vary. Called with generators of the same
    seed, it changes the two frames of a clip in the same way.

    Args:
        strength: in [0, 1], multiplies ranges and shares; 0 returns the images.
    """
    if strength == 0:
        return images
    s = strength
    images = library.affine(images, rng, shift=0.04 * s, turn=0.1 * s, zoom=0.08 * s)
    images = library.gain(images, rng, channels=0.15 * s, common=0.25 * s, offset=0.1 * s)
    images = apply_to_share(images, rng, 0.3 * s, library.saturation)
    images = apply_to_share(images, rng, 0.3 * s, library.lighting)
    images = apply_to_share(images, rng, 0.15 * s, library.occlude)
    images = apply_to_share(images, rng, 0.2 * s, library.downscale)
    images = apply_to_share(images, rng, 0.2 * s, library.compress)
    return apply_to_share(images, rng, 0.3 * s, library.noise)
