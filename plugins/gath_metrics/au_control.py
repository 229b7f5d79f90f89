"""au-control: response to a sweep of one action unit, and leakage into the others."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from gath_bench.au import get_space
from gath_bench.contracts import Batch, Evaluations, Measured, MetricInfo, RoleRequest, Summary
from gath_bench.errors import Unavailable
from gath_metrics.measured_aus import MeasuredAUs, measured_aus

#: An AU is requested to stay if its request differs by at most this from the source.
STAYS = 0.1


def leakage(measured: Tensor, before: Tensor, requested: Tensor, shown: Tensor, swept: Tensor) -> Tensor:
    """Movement of the AUs that are requested to stay.

    ``mean_j |measured_j - before_j|`` over the AUs j that are not swept and whose request is within 0.1 of the source.
    Both terms come from the estimator, so that its bias cancels and an unedited portrait has 0. The measure is defined
    by this project.

    Args:
        measured: the estimator's AUs on the generated images, (B, K); NaN where unknown.
        before: the estimator's AUs on the source images, (B, K).
        requested: the requested AUs, (B, K).
        shown: the AUs of the source images, (B, K): their labels, or ``before`` where they have none.
        swept: which AU each image sweeps, bool (B, K).

    Returns:
        float64 (B,) in [0, 1]; NaN where no AU is requested to stay.

    >>> import torch
    >>> swept = torch.tensor([[True, False, False]])
    >>> before, requested = torch.zeros(1, 3), torch.tensor([[1.0, 0.0, 0.8]])
    >>> leakage(torch.tensor([[0.9, 0.25, 0.7]]), before, requested, before, swept).tolist()
    [0.25]
    """
    movement = (measured.double() - before.double()).abs()
    counts = ~swept & ((requested - shown).abs() <= STAYS) & ~movement.isnan()
    return movement.where(counts, 0.0).sum(1) / counts.sum(1)


class AUControl:
    """The metric ``au-control``, for the sweep protocol.

    Each sample sets one AU to one level; the observations are those of this AU. Slope and correlation of measured over
    requested levels are computed per AU over all samples that sweep it, monotonicity per subject. A value without an AU
    is the mean over AUs.
    """

    def __init__(self, *, estimator: str = "synthfaces") -> None:
        """Args:
        estimator: component name of the AU estimator.
        """
        pair = ("au-control.measured", "au-control.requested")
        self.info = MetricInfo(
            summaries=(
                Summary("au-control.slope", "none", reducer="slope", inputs=pair, per_au=True),
                Summary("au-control.pcc", "higher", "", -1.0, 1.0, "pcc", pair, per_au=True),
                Summary("au-control.monotonicity", "higher", "", -1.0, 1.0, "monotonicity", pair, True),
                Summary("au-control.leakage", "lower", "AU coefficient", 0.0, 1.0, per_au=True),
            ),
            needs=frozenset({"swept_au"}),
            roles=(RoleRequest("au_estimator", estimator),),
            protocols=frozenset({"sweep"}),
            display="{:.3f}",
        )

    def measure(self, generated: Tensor, batch: Batch, evaluations: Evaluations) -> Sequence[Measured]:
        """Measured and requested level of the swept AU, and the movement of the others, at the swept AU."""
        aus = batch.swept_au
        if aus is None:
            raise Unavailable("no AU is swept")
        labels = get_space(batch.au_space).labels
        after = measured_aus(evaluations, "generated", batch.au_space)
        swept = torch.tensor([[au == label for label in labels] for au in aus])
        swept = swept.to(after.values.device)
        requested = batch.target_aus.to(after.values)
        moved, missing = _leakage(batch, after, swept, evaluations)
        return [
            Measured(
                "au-control.measured",
                after.values[swept],
                missing=after.missing,
                au_of=aus,
                missing_aus=after.missing_aus,
            ),
            Measured("au-control.requested", requested[swept], au_of=aus),
            Measured("au-control.leakage", moved, missing=missing, au_of=aus),
        ]


def _leakage(
    batch: Batch, after: MeasuredAUs, swept: Tensor, evaluations: Evaluations
) -> tuple[Tensor, dict[int, str]]:
    before = measured_aus(evaluations, "source", batch.au_space)
    shown = before.values if batch.source_aus is None else batch.source_aus.to(before.values)
    values = leakage(after.values, before.values, batch.target_aus.to(before.values), shown, swept)
    undefined = dict.fromkeys(values.isnan().nonzero().flatten().tolist(), "no AU is requested to stay")
    return values, {**undefined, **before.missing, **after.missing}
