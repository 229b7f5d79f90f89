"""AUs measured by the AU estimator, in the AU space of the data set; used by `au-error` and `au-control`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor

from gath_bench.au import apply, find_map, get_space
from gath_bench.errors import Unavailable, UsageError

if TYPE_CHECKING:
    from gath_bench.au import AUMap
    from gath_bench.contracts import Evaluations
    from gath_bench.contracts.metric import Side


@dataclass(frozen=True)
class MeasuredAUs:
    """AU coefficients of B images.

    Attributes:
        values: float64 (B, K) in [0, 1]; NaN where the estimator does not cover an AU or found no face.
        missing: position in the batch -> reason.
        missing_aus: label of an AU that is unknown in all images -> reason.
    """

    values: Tensor
    missing: Mapping[int, str]
    missing_aus: Mapping[str, str]


def measured_aus(evaluations: Evaluations, side: Side, au_space: str) -> MeasuredAUs:
    """AUs measured on one side of a batch, mapped to an AU space.

    Raises:
        Unavailable: there is no estimator, it is not validated for this domain, or its space has no map to
            ``au_space``.
    """
    features = evaluations.features("au_estimator", side)
    if not isinstance(features.values, Tensor):
        raise TypeError("an AU estimator returns one tensor (B, K), not feature maps")
    values, missing_aus = features.values.double(), features.missing_aus
    space = evaluations.au_space()
    if space != au_space:
        try:
            to_space = find_map(space, au_space)
        except UsageError as error:
            raise Unavailable(str(error)) from error
        values, missing_aus = apply(to_space, values), _mapped_reasons(missing_aus, to_space)
    values = values.clone()
    values[list(features.missing)] = float("nan")
    return MeasuredAUs(values, features.missing, missing_aus)


def _mapped_reasons(missing: Mapping[str, str], to_space: AUMap) -> dict[str, str]:
    """The AUs of the target space that depend on missing AUs, each with the reason of the first of them."""
    reasons: dict[str, str] = {}
    source, target = get_space(to_space.source).labels, get_space(to_space.target).labels
    for label, reason in missing.items():
        for name, weight in zip(target, to_space.weights[source.index(label)], strict=True):
            if weight:
                reasons.setdefault(name, reason)
    return reasons
