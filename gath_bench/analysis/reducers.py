"""Named reducers: observations in, one number out.

Most reducers are functions of sums: a mean, an error, a correlation. Such a reducer is a pair of pure functions,
``moments`` (the terms of the sums for each sample) and ``finish`` (sums -> value). Sums over resampled subjects
are then one matrix product, which makes the bootstrap and the jackknife exact and fast. Other reducers are
computed from the samples (percentiles), or for each subject separately and then averaged (monotonicity).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gath_bench.analysis.quantiles import quantile
from gath_bench.contracts.metric import CORPUS
from gath_bench.statistics import centred_sums, icc31_from_sums, pair_moments, pearson_from_sums, ratio

Array = NDArray[np.float64]

#: Intensity 2 of the FACS scale 0-5 as a coefficient: an AU counts as present from this value.
PRESENT = 0.4


@dataclass(frozen=True)
class Reducer:
    """One reducer.

    Attributes:
        inputs: the number of observations that it takes.
        moments: inputs, each (N,), -> (N, M), the terms to sum over samples; None for a direct reducer.
        finish: sums (..., M) -> values (...); NaN where the value is undefined.
        direct: one input (..., N) -> values (...), for reducers that are not functions of sums.
        quantile: the share in [0, 1], for quantiles: a resample of them needs only the counts of its samples.
        grouped: inputs, each (N,), of one subject -> the value of that subject; NaN where it is undefined. The
            reducer's value is the mean over subjects, and the bootstrap resamples these values.
        stored: its input is a record that the engine computed: see `gath_bench.results.corpus.StoredValues`.
    """

    inputs: int
    moments: Callable[..., Array] | None = None
    finish: Callable[[Array], Array] | None = None
    direct: Callable[[Array], Array] | None = None
    grouped: Callable[..., float] | None = None
    stored: bool = False
    quantile: float | None = None

    def __call__(self, *inputs: Array) -> float:
        """The value over all given samples; a grouped reducer takes the samples of one subject."""
        if self.direct is not None:
            return float(self.direct(inputs[0])) if len(inputs[0]) else float("nan")
        if self.grouped is not None:
            return self.grouped(*inputs)
        assert self.moments is not None
        assert self.finish is not None
        return float(self.finish(self.moments(*inputs).sum(0)))


def _value_moments(x: Array) -> Array:
    return np.stack([np.ones_like(x), x], -1)


def _mean(sums: Array) -> Array:
    return ratio(sums[..., 1], sums[..., 0])


def _absolute_error_moments(x: Array, y: Array) -> Array:
    return _value_moments(np.abs(x - y))


def _squared_error_moments(x: Array, y: Array) -> Array:
    return _value_moments((x - y) ** 2)


def _rmse(sums: Array) -> Array:
    return np.sqrt(_mean(sums))


def _slope(sums: Array) -> Array:
    _, syy, sxy = centred_sums(sums)
    return ratio(sxy, syy)


def _detection_moments(x: Array, y: Array) -> Array:
    found, present = x >= PRESENT, y >= PRESENT
    return np.stack([found & present, found & ~present, ~found & present], -1).astype(np.float64)


def _f1(sums: Array) -> Array:
    hit, false, missed = np.moveaxis(sums, -1, 0)
    return ratio(2 * hit, 2 * hit + false + missed)


def _monotonicity(x: Array, y: Array) -> float:
    # Somers' D of measured x given requested y: over all pairs with different requests, the share of concordant
    # pairs minus the share of discordant pairs.
    asked = np.sign(y[:, None] - y[None, :])
    followed = np.sign(x[:, None] - x[None, :])
    pairs = np.abs(asked).sum()
    return float((asked * followed).sum() / pairs) if pairs else float("nan")


def _quantile(share: float) -> Reducer:
    return Reducer(1, direct=lambda x: quantile(x, share), quantile=share)


#: Reducers by the name in ``Summary.reducer``. Those with two inputs take (measured, requested). ``slope`` is the
#: regression slope of measured on requested; ``f1`` counts an AU as present from FACS intensity 2; ``icc31`` is
#: ICC(3,1) = (MSR - MSE) / (MSR + MSE) for two raters (Shrout & Fleiss 1979); ``monotonicity`` is Somers' D
#: (Somers 1962) per subject, averaged over subjects. ``corpus`` reads the record that the engine stored.
REDUCERS: dict[str, Reducer] = {
    "mean": Reducer(1, _value_moments, _mean),
    "mae": Reducer(2, _absolute_error_moments, _mean),
    "rmse": Reducer(2, _squared_error_moments, _rmse),
    "pcc": Reducer(2, pair_moments, pearson_from_sums),
    "slope": Reducer(2, pair_moments, _slope),
    "icc31": Reducer(2, pair_moments, icc31_from_sums),
    "f1": Reducer(2, _detection_moments, _f1),
    "monotonicity": Reducer(2, grouped=_monotonicity),
    "sum": Reducer(1, direct=lambda x: np.asarray(x.sum(-1))),
    "max": _quantile(1.0),
    "median": _quantile(0.5),
    "p50": _quantile(0.5),
    "p90": _quantile(0.9),
    "p99": _quantile(0.99),
    CORPUS: Reducer(1, direct=lambda x: np.asarray(x[..., 0]), stored=True),
}
