"""Mean squared errors in decibels."""

from __future__ import annotations

import torch
from torch import Tensor

#: PSNR is clipped at this value, since identical images would have infinite PSNR.
CEILING_DB = 100.0


def decibel(squared_error: Tensor) -> Tensor:
    """The peak signal-to-noise ratio of mean squared errors of images in [0, 1], clipped at 100 dB.

    ``10 log10(1 / MSE)``. Up to 226x226 pixels only equal 8-bit images reach the limit: a step of 1/255 in one channel
    of one pixel is below it.

    >>> import torch
    >>> decibel(torch.tensor([1.0, 0.01, 0.0])).tolist()
    [0.0, 20.0, 100.0]
    """
    return 10 * torch.log10(squared_error.clamp_min(10 ** (-CEILING_DB / 10)).reciprocal())
