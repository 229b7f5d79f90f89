"""How images are augmented for the training of the bundled evaluators. Their labels stay valid.

An estimator that never saw paint takes paint for movement, and a generator that is graded by it can gain by painting
blobs on an unmoved face. The evaluators are therefore trained on augmented images with the face's own AUs as labels.
"""

from __future__ import annotations

from functools import partial

import torch.nn.functional as F
from torch import Generator, Tensor, autograd, nn

from gath_bench import augmentations as library
from gath_bench.augmentations import Augmentation, apply_to_share


def move(images: Tensor, g: Generator) -> Tensor:
    """Mirror half of the images; shift, rotate and scale by up to 3 %, displace by up to half a pixel."""
    return library.affine(library.flip(images, g), g, shift=0.03, turn=0.035, zoom=0.03, ripple=0.5)


def relight(images: Tensor, g: Generator) -> Tensor:
    """Change saturation, brightness and the gain of each channel."""
    images = library.saturation(images, g, low=0.0, high=1.6)
    return library.gain(images, g, channels=0.2, common=0.2, offset=0.08)


def coarsen(images: Tensor, g: Generator) -> Tensor:
    """Typical artefacts of generators: a pattern of 2 x 2 pixels, speckle and fine noise."""
    return library.noise(library.pixelate(images, g), g, strength=0.08, sparse=True)


#: Augmentations that hide little, with the share of the images that each is applied to.
LIGHT: tuple[tuple[Augmentation, float], ...] = ((move, 0.7), (relight, 0.4))
#: Augmentations that hide much; they are introduced during the training.
HEAVY: tuple[tuple[Augmentation, float], ...] = (
    (library.paint, 0.3),
    (library.tint, 0.3),
    (partial(library.blur, passes=3, local=True), 0.2),
    (library.ghost, 0.25),
    (coarsen, 0.2),
)


def augment(images: Tensor, g: Generator, hardness: float = 1.0) -> Tensor:
    """Apply every augmentation to its share of the images.

    Args:
        images: float32 (B, 3, H, W) in [0, 1].
        g: random numbers, on the images' device.
        hardness: in [0, 1], multiplies the shares of the heavy augmentations.
    """
    for augmentation, share in (*LIGHT, *((heavy, share * hardness) for heavy, share in HEAVY)):
        images = apply_to_share(images, g, share, augmentation)
    return images


def adversarial_paint(
    network: nn.Module, images: Tensor, wanted: Tensor, knots: int, strength: float
) -> Tensor:
    """Paint chosen by a network's own gradient, so that the network reads other AUs off the unmoved face.

    One step of the fast gradient sign method (Goodfellow, Shlens and Szegedy, Explaining and Harnessing
    Adversarial Examples, ICLR 2015) on ``knots`` x ``knots`` colours.

    Args:
        network: images -> AUs (B, K).
        images: (B, 3, H, W) in [0, 1].
        wanted: the AUs that the paint is to suggest, (B, K).
        knots: knots per side; few give smooth blobs, many give patterns.
        strength: the largest change of a colour.
    """
    colours = images.new_zeros(len(images), 3, knots, knots).requires_grad_()
    added = F.interpolate(colours, size=images.shape[-2:], mode="bilinear", align_corners=False)
    error = F.mse_loss(network(images + added).float(), wanted)
    (slope,) = autograd.grad(error, colours)
    step = F.interpolate(
        -slope.sign() * strength, size=images.shape[-2:], mode="bilinear", align_corners=False
    )
    return (images + step).clamp(0, 1)
