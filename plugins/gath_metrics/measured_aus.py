"""AUs measured by the AU estimator, in the AU space of the data set; used by `au-error` and `au-control`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor

from gath_bench.au import apply, find_map
from gath_bench.errors import Unavailable, UsageError

if TYPE_CHECKING:
    from gath_bench.contracts import Evaluations
    from gath_bench.contracts.metric import Side


@dataclass(frozen=True)
class MeasuredAUs:
    """AU coefficients of B images.

    Attributes:
        values: float64 (B, K) in [0, 1]; NaN where the estimator does not cover an AU or found no face.
        missing: position in the batch -> reason.
    """

    values: Tensor
    missing: Mapping[int, str]


def measured_aus(evaluations: Evaluations, side: Side, au_space: str) -> MeasuredAUs:
    """AUs measured on one side of a batch, mapped to an AU space.

    Raises:
        Unavailable: there is no estimator, it is not validated for this domain, or its space has no map to
            ``au_space``.
    """
    features = evaluations.features("au_estimator", side)
    if not isinstance(features.values, Tensor):
        raise TypeError("an AU estimator returns one tensor (B, K), not feature maps")
    values = features.values.double()
    space = evaluations.au_space()
    if space != au_space:
        try:
            values = apply(find_map(space, au_space), values)
        except UsageError as error:
            raise Unavailable(str(error)) from error
    values = values.clone()
    values[list(features.missing)] = float("nan")
    return MeasuredAUs(values, features.missing)
