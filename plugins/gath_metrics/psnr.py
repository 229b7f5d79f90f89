"""PSNR: peak signal-to-noise ratio against the target image."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from gath_bench.contracts import Batch, Evaluations, Measured, MetricInfo, Summary
from gath_metrics.decibel import CEILING_DB, decibel
from gath_metrics.inputs import target_of


def psnr(a: Tensor, b: Tensor) -> Tensor:
    """Peak signal-to-noise ratio of each image of a batch, in dB.

    ``PSNR = 10 log10(1 / MSE)``, the mean squared error taken over all pixels and channels of one image in
    [0, 1], clipped at 100 dB. Below the clip it equals
    ``skimage.metrics.peak_signal_noise_ratio(data_range=1)``.

    Args:
        a: (B, C, H, W) in [0, 1].
        b: the same shape.

    Returns:
        float64 (B,) in [0, 100].

    >>> import torch
    >>> psnr(torch.zeros(1, 3, 4, 4), torch.full((1, 3, 4, 4), 0.1)).round(decimals=4).tolist()
    [20.0]
    """
    return decibel((a.double() - b.double()).square().flatten(1).mean(1))


class PSNR:
    """The metric ``psnr``."""

    info = MetricInfo(
        summaries=(Summary("psnr", direction="higher", unit="dB", low=0.0, high=CEILING_DB),),
        needs=frozenset({"target"}),
        display="{:.2f}",
    )

    def measure(self, generated: Tensor, batch: Batch, evaluations: Evaluations) -> Sequence[Measured]:
        """PSNR between generated and target images."""
        return [Measured("psnr", psnr(generated, target_of(batch)))]
