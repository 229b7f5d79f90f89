"""background-psnr: PSNR against the source image outside the face."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from gath_bench.contracts import Batch, Evaluations, Measured, MetricInfo, Summary
from gath_metrics.decibel import CEILING_DB, decibel
from gath_metrics.inputs import face_mask_of

#: Mask values above this belong to the face.
FACE = 0.5


def background_psnr(generated: Tensor, source: Tensor, face_mask: Tensor) -> Tensor:
    """PSNR between generated and source images outside the face, in dB.

    ``10 log10(1 / MSE)``, the mean squared error taken over all channels of the pixels whose mask is at most
    0.5, clipped at 100 dB. The reference is the *source* image, since an expression does not change the background.

    Args:
        generated: (B, C, H, W) in [0, 1].
        source: the same shape.
        face_mask: (B, 1, H, W) in [0, 1], above 0.5 where the face is.

    Returns:
        float64 (B,) in [0, 100]; NaN where the mask leaves no background.

    >>> source, mask = torch.zeros(1, 3, 2, 2), torch.tensor([[[[1.0, 0.0], [0.0, 0.0]]]])
    >>> edited = source.clone()
    >>> edited[..., 0, 0] = 1
    >>> background_psnr(edited, source, mask).tolist()
    [100.0]
    """
    outside = face_mask <= FACE
    squares = (generated.double() - source.double()).square() * outside
    mean = squares.flatten(1).sum(1) / (outside.flatten(1).sum(1) * generated.shape[1])
    return decibel(mean)


class BackgroundPSNR:
    """The metric ``background-psnr``."""

    info = MetricInfo(
        summaries=(Summary("background-psnr", direction="higher", unit="dB", low=0.0, high=CEILING_DB),),
        needs=frozenset({"face_mask"}),
        display="{:.2f}",
    )

    def measure(self, generated: Tensor, batch: Batch, evaluations: Evaluations) -> Sequence[Measured]:
        """PSNR between generated and source images outside the face mask."""
        values = background_psnr(generated, batch.source, face_mask_of(batch))
        full = torch.isnan(values).nonzero().flatten().tolist()
        reason = "the face mask leaves no background"
        return [Measured("background-psnr", values, missing=dict.fromkeys(full, reason))]
