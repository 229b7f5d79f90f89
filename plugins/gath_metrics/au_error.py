"""au-error: agreement of measured and requested action units on generated images."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from gath_bench.au import get_space
from gath_bench.contracts import Batch, Evaluations, Measured, MetricInfo, RoleRequest, Summary
from gath_metrics.measured_aus import measured_aus

#: FACS intensity 2 of 5 as a coefficient; an AU counts as present from this value on.
PRESENT = 0.4


def presence(aus: Tensor) -> Tensor:
    """Presence of each AU: 1 from FACS intensity 2 (coefficient 0.4) on, otherwise 0; NaN for NaN.

    >>> import torch
    >>> presence(torch.tensor([0.39, 0.4, float("nan")])).tolist()
    [0.0, 1.0, nan]
    """
    return (aus >= PRESENT).double().where(~aus.isnan(), float("nan"))


def covered_share(measured: Tensor, requested: Tensor) -> Tensor:
    """Share of AUs with both a measurement and a request: two (B, K) -> float64 (B,).

    >>> import torch
    >>> covered_share(torch.tensor([[0.1, float("nan")]]), torch.tensor([[0.2, 0.3]])).tolist()
    [0.5]
    """
    return (~measured.isnan() & ~requested.isnan()).double().mean(1)


class AUError:
    """The metric ``au-error``.

    The observations are, per AU, the estimator's value on the generated image and the requested value. Mean absolute
    error, root mean squared error, Pearson's correlation, ICC(3,1) (Shrout and Fleiss, Intraclass Correlations,
    Psychological Bulletin 86(2), 1979) and F1 are reducers over both. A value without an AU is the mean of the per-AU
    values.
    """

    def __init__(self, *, estimator: str = "synthfaces") -> None:
        """Args:
        estimator: component name of the AU estimator.
        """
        pair = ("au-error.measured", "au-error.requested")
        self.info = MetricInfo(
            summaries=(
                Summary("au-error.mae", "lower", "AU coefficient", 0.0, 1.0, "mae", pair, per_au=True),
                Summary("au-error.rmse", "lower", "AU coefficient", 0.0, 1.0, "rmse", pair, True, False),
                Summary("au-error.pcc", "higher", "", -1.0, 1.0, "pcc", pair, per_au=True),
                Summary("au-error.icc", "higher", "", -1.0, 1.0, "icc31", pair, True, False),
                Summary("au-error.f1", "higher", "", 0.0, 1.0, "f1", pair, True, False),
                Summary("au-error.base_rate", "none", "", 0.0, 1.0, "mean", per_au=True, primary=False),
                Summary("au-error.covered", "none", "", 0.0, 1.0, "mean", primary=False),
            ),
            roles=(RoleRequest("au_estimator", estimator),),
            display="{:.3f}",
        )

    def measure(self, generated: Tensor, batch: Batch, evaluations: Evaluations) -> Sequence[Measured]:
        """The estimator's AUs on the generated images, and the requested ones."""
        measured = measured_aus(evaluations, "generated", batch.au_space)
        requested = batch.target_aus.to(measured.values)
        labels = get_space(batch.au_space).labels
        return [
            Measured(
                "au-error.measured",
                measured.values,
                labels,
                measured.missing,
                missing_aus=measured.missing_aus,
            ),
            Measured("au-error.requested", requested, labels),
            Measured("au-error.base_rate", presence(requested), labels),
            Measured("au-error.covered", covered_share(measured.values, requested), missing=measured.missing),
        ]
