"""Sums that are the same on every processor, and comparisons that rounding cannot decide.

Tables contain discontinuous functions of floating-point sums: the bias of a BCa interval counts the resamples below
the observed value, a permutation test counts the exchanges that reach the observed difference, ranks and the
best model depend on which of two values is larger. The last bit of such a sum depends on the order of its
additions: on the matrix kernel that BLAS chooses for the processor, on the number of threads, on whether groups are
averaged before or after summing. Two rules keep that bit out of every table:

* Weighted sums over subjects are computed exactly (`exact_product`), so that each kernel gives the same bits.
* Two values are equal if they differ by at most ``PRECISION`` of their magnitude (`difference`, `equal`).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

#: Values that differ by at most this share of their magnitude are equal. Double-precision sums over up to a
#: million samples are exact to 1e-10 (``n * 2**-53``), and observations come from float32 images and networks, whose
#: resolution is 6e-8: a difference of 1e-9 is larger than rounding and smaller than anything that was measured.
PRECISION = 1e-9
#: Bits of a double's significand.
_SIGNIFICAND = 53


def equal(first: ArrayLike, second: ArrayLike) -> NDArray[np.bool_]:
    """Whether values are equal up to ``PRECISION``; elementwise.

    >>> bool(equal(0.1 + 0.2, 0.3)), bool(equal(0.3, 0.3001))
    (True, False)
    """
    first, second = np.asarray(first, np.float64), np.asarray(second, np.float64)
    return np.asarray(np.abs(first - second) <= PRECISION * np.maximum(np.abs(first), np.abs(second)))


def difference(first: ArrayLike, second: ArrayLike) -> Array:
    """``first - second``, and exactly 0 where they are equal up to ``PRECISION``; elementwise.

    >>> float(difference(0.1 + 0.2, 0.3)), float(difference(0.75, 0.5))
    (0.0, 0.25)
    """
    return np.where(equal(first, second), 0.0, np.asarray(first, np.float64) - np.asarray(second, np.float64))


def exact_product(weights: NDArray[np.generic], values: Array, total: int) -> Array:
    """``weights @ values`` with the same bits on every processor, whatever the order of additions.

    Each column of ``values`` is split into two parts that are integer multiples of a power of two, with so few
    bits that no partial sum of either product can round (the splitting of Ozaki et al. 2012, "Error-free
    transformations of matrix multiplication"). The sum of the two products is the only rounding.

    Args:
        weights: (R, U) whole numbers >= 0, such as how often a resample draws each subject.
        values: (U, M) finite numbers.
        total: the largest sum of a row of weights, or more.

    Returns:
        (R, M): the products, exact to the last bit but for terms below ``2**-80`` of the column's largest value.
    """
    bits = _SIGNIFICAND - math.ceil(math.log2(max(total, 1)))
    _, exponent = np.frexp(np.abs(values).max(0, initial=0.0))
    # Not below the smallest numbers: a unit of 0 would divide by zero.
    coarse, fine = (np.ldexp(1.0, np.maximum(exponent - shift, -1000)) for shift in (bits, 2 * bits))
    high = np.rint(values / coarse) * coarse
    low = np.rint((values - high) / fine) * fine
    rest = low.any(axis=0)  # none for whole numbers, such as counts
    parts = np.asarray(weights, np.float64) @ np.concatenate([high, low[:, rest]], axis=1)
    products = parts[:, : values.shape[1]] + 0.0
    products[:, rest] += parts[:, values.shape[1] :]
    return np.asarray(products)
