"""Local statistics under a Gaussian window, shared by SSIM and MS-SSIM.

All computations are float64: a variance is a small difference of large squares, and its rounding error in float32
changes SSIM on smooth images. The window is evaluated as shifted sums, not as a convolution: in float64 on a CPU this
is several times faster, and the result for an image does not depend on the rest of the batch.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

#: The window of Wang et al. (2004): 11 pixels across, standard deviation 1.5.
RADIUS = 5
SIGMA = 1.5
SIZE = 2 * RADIUS + 1
#: The stabilising constants of Wang et al. (2004) for images in [0, 1].
C1 = 0.01**2
C2 = 0.03**2


def _weights() -> tuple[float, ...]:
    raw = [math.exp(-0.5 * (offset / SIGMA) ** 2) for offset in range(-RADIUS, RADIUS + 1)]
    return tuple(weight / sum(raw) for weight in raw)


#: The weights of the window along an axis; their sum is 1.
WEIGHTS = _weights()


def window_mean(images: Tensor) -> Tensor:
    """Gaussian-weighted mean around each pixel with a complete window: (..., H, W) -> (..., H-10, W-10).

    >>> import torch
    >>> window_mean(torch.full((1, 12, 11), 0.25, dtype=torch.float64)).round(decimals=9).tolist()
    [[[0.25], [0.25]]]
    """
    return _slide(_slide(images, -1), -2)


def _slide(images: Tensor, axis: int) -> Tensor:
    length = images.shape[axis] - 2 * RADIUS
    total = images.narrow(axis, 0, length) * WEIGHTS[0]
    for offset in range(1, SIZE):
        total.add_(images.narrow(axis, offset, length), alpha=WEIGHTS[offset])
    return total


def similarity_maps(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """The two factors of SSIM at each pixel: luminance, and contrast times structure.

    Args:
        a: (B, C, H, W) in [0, 1], H and W at least 11.
        b: the same shape.

    Returns:
        Two float64 tensors (B, C, H-10, W-10); their product is the SSIM map.
    """
    a, b = a.double(), b.double()
    mean_a, mean_b = window_mean(a), window_mean(b)
    product, squares = mean_a * mean_b, mean_a**2 + mean_b**2
    # Only the sum of the two variances is needed, which saves one evaluation of the window.
    variances = window_mean(a * a + b * b) - squares
    covariance = window_mean(a * b) - product
    return (2 * product + C1) / (squares + C1), (2 * covariance + C2) / (variances + C2)


def image_by_image(measure: Callable[[Tensor, Tensor], Tensor], a: Tensor, b: Tensor) -> Tensor:
    """Evaluate a measure of (B, C, H, W) pairs per image on a CPU, and per batch on other devices.

    The values are the same. On a CPU the maps of one image fit into the cache, which is about three times faster.
    """
    if a.device.type != "cpu" or len(a) < 2:
        return measure(a, b)
    return torch.cat([measure(x[None], y[None]) for x, y in zip(a, b, strict=True)])
