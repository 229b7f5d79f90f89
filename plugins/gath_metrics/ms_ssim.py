"""MS-SSIM: structural similarity over five scales."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor

from gath_bench.contracts import Batch, Evaluations, Measured, MetricInfo, Summary
from gath_bench.errors import Unavailable
from gath_metrics.gaussian_window import SIZE, image_by_image, similarity_maps
from gath_metrics.inputs import target_of

#: The exponents of Wang et al. (2003), finest scale first.
EXPONENTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
#: The smallest side at which the coarsest scale holds one complete window.
MIN_SIDE = SIZE * 2 ** (len(EXPONENTS) - 1)


def ms_ssim(a: Tensor, b: Tensor) -> Tensor:
    """Multi-scale structural similarity of each image of a batch.

    ``MS-SSIM = Π_{j=1..4} cs_j^w_j · ssim_5^w_5`` with the mean contrast-structure factors ``cs_j`` of the
    finer four scales, the mean SSIM of the coarsest, w = 0.0448, 0.2856, 0.3001, 0.2363, 0.1333, the window
    of ``ssim``, and 2x2 average pooling between scales (an odd last row or column is dropped). A negative
    factor counts as 0; channels are averaged last. Source: Wang, Simoncelli and Bovik, Multiscale Structural
    Similarity for Image Quality Assessment, Asilomar 2003.

    Args:
        a: (B, C, H, W) in [0, 1], H and W at least 176.
        b: the same shape.

    Returns:
        float64 (B,) in [0, 1]; 1 for equal images.

    >>> import torch
    >>> image = torch.rand(1, 3, 176, 176)
    >>> ms_ssim(image, image).tolist()
    [1.0]
    """
    return image_by_image(_ms_ssim, a, b)


def _ms_ssim(a: Tensor, b: Tensor) -> Tensor:
    a, b = a.double(), b.double()
    result = a.new_ones(a.shape[:2])
    for scale, exponent in enumerate(EXPONENTS):
        if scale:
            a, b = F.avg_pool2d(a, 2), F.avg_pool2d(b, 2)
        luminance, structure = similarity_maps(a, b)
        coarsest = scale == len(EXPONENTS) - 1
        factor = (luminance * structure if coarsest else structure).flatten(2).mean(2)
        result = result * factor.clamp_min(0) ** exponent
    return result.mean(1)


class MSSSIM:
    """The metric ``ms-ssim``."""

    info = MetricInfo(
        summaries=(Summary("ms-ssim", direction="higher", low=0.0, high=1.0),),
        needs=frozenset({"target"}),
        display="{:.3f}",
    )

    def measure(self, generated: Tensor, batch: Batch, evaluations: Evaluations) -> Sequence[Measured]:
        """MS-SSIM between generated and target images."""
        side = min(generated.shape[-2:])
        if side < MIN_SIDE:
            raise Unavailable(
                f"five scales with an 11x11 window need {MIN_SIDE} px on the shorter side, not {side}"
            )
        return [Measured("ms-ssim", ms_ssim(generated, target_of(batch)))]
