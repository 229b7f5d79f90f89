"""changed-error: L1 error on the pixels that the edit should change."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from gath_bench.contracts import Batch, Evaluations, Measured, MetricInfo, Summary
from gath_metrics.inputs import target_of

#: A pixel is changed if source and target differ by more than this many of 255 steps in any channel.
STEPS = 2


def changed_pixels(source: Tensor, target: Tensor) -> Tensor:
    """Pixels in which source and target differ: bool (B, 1, H, W).

    True where, in at least one channel, the two values rounded to 8 bits differ by more than 2 steps of 1/255. Whole
    steps are compared, so that rounding errors do not count a difference of exactly 2/255.

    Args:
        source: (B, C, H, W) in [0, 1].
        target: the same shape.
    """
    steps = source.mul(255).round() - target.mul(255).round()
    return (steps.abs() > STEPS).any(dim=1, keepdim=True)


def changed_error(generated: Tensor, source: Tensor, target: Tensor) -> Tensor:
    """Mean absolute error over the changed pixels of each image of a batch.

    ``Σ_p Σ_c m_p |g_pc - t_pc| / (C Σ_p m_p)`` with ``m`` from ``changed_pixels``: all channels of a changed
    pixel count. The measure is defined by this project.

    Args:
        generated: (B, C, H, W) in [0, 1].
        source: the same shape.
        target: the same shape.

    Returns:
        float64 (B,) in [0, 1]; NaN where source and target do not differ.

    >>> source, target = torch.zeros(1, 3, 2, 2), torch.zeros(1, 3, 2, 2)
    >>> target[..., 0, 0] = 0.5
    >>> changed_error(source, source, target).tolist(), changed_error(target, source, target).tolist()
    ([0.5], [0.0])
    """
    changed = changed_pixels(source, target)
    error = (generated.double() - target.double()).abs() * changed
    return error.flatten(1).sum(1) / (changed.flatten(1).sum(1) * generated.shape[1])


class ChangedError:
    """The metric ``changed-error``."""

    info = MetricInfo(
        summaries=(Summary("changed-error", direction="lower", low=0.0, high=1.0),),
        needs=frozenset({"target"}),
        display="{:.4f}",
    )

    def measure(self, generated: Tensor, batch: Batch, evaluations: Evaluations) -> Sequence[Measured]:
        """L1 between generated and target images where source and target differ."""
        values = changed_error(generated, batch.source, target_of(batch))
        reason = f"source and target do not differ by more than {STEPS}/255 at any pixel"
        still = torch.isnan(values).nonzero().flatten().tolist()
        return [Measured("changed-error", values, missing=dict.fromkeys(still, reason))]
