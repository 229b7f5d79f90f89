"""SSIM: structural similarity to the target image."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from gath_bench.contracts import Batch, Evaluations, Measured, MetricInfo, Summary
from gath_bench.errors import Unavailable
from gath_metrics.gaussian_window import SIZE, similarity_maps
from gath_metrics.inputs import target_of
from gath_metrics.ssim_on_cpu import ssim_of_planes


def ssim(a: Tensor, b: Tensor) -> Tensor:
    """Structural similarity of each image of a batch.

    ``SSIM = (2 μa μb + C1)(2 σab + C2) / ((μa² + μb² + C1)(σa² + σb² + C2))`` under an 11x11 Gaussian window
    (σ = 1.5) with population variances, C1 = 0.01², C2 = 0.03², averaged over the pixels that have a whole
    window and then over channels. It equals ``skimage.metrics.structural_similarity(gaussian_weights=True,
    sigma=1.5, use_sample_covariance=False, data_range=1.0)``. Source: Wang, Bovik, Sheikh and Simoncelli,
    Image Quality Assessment: From Error Visibility to Structural Similarity, IEEE TIP 13(4), 2004.

    Args:
        a: (B, C, H, W) in [0, 1], H and W at least 11.
        b: the same shape.

    Returns:
        float64 (B,) in [-1, 1]; 1 for equal images.

    >>> import torch
    >>> image = torch.rand(2, 3, 16, 16)
    >>> ssim(image, image).tolist()
    [1.0, 1.0]
    """
    if a.device.type == b.device.type == "cpu" and not (a.requires_grad or b.requires_grad):
        return ssim_of_planes(a.flatten(0, 1), b.flatten(0, 1)).view(a.shape[:2]).mean(1)
    return ssim_by_tensors(a, b)


def ssim_by_tensors(a: Tensor, b: Tensor) -> Tensor:
    """``ssim`` on any device, with gradients."""
    luminance, structure = similarity_maps(a, b)
    return (luminance * structure).flatten(2).mean(2).mean(1)


class SSIM:
    """The metric ``ssim``."""

    info = MetricInfo(
        summaries=(Summary("ssim", direction="higher", low=-1.0, high=1.0),),
        needs=frozenset({"target"}),
        display="{:.3f}",
    )

    def measure(self, generated: Tensor, batch: Batch, evaluations: Evaluations) -> Sequence[Measured]:
        """SSIM between generated and target images."""
        if min(generated.shape[-2:]) < SIZE:
            raise Unavailable(f"SSIM needs at least {SIZE} pixels on the shorter side")
        return [Measured("ssim", ssim(generated, target_of(batch)))]
