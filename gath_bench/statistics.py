"""Agreement between two series: Pearson's correlation and ICC(3,1), also from sums over samples.

Both are functions of six sums (``pair_moments``), so that a bootstrap over groups of samples is a matrix product
followed by one of these functions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


def pair_moments(x: Array, y: Array) -> Array:
    """Per sample ``(1, x, y, x^2, y^2, x y)``: (...) and (...) -> (..., 6)."""
    import numpy as np

    return np.stack([np.ones_like(x), x, y, x * x, y * y, x * y], -1)


def centred_sums(sums: Array) -> tuple[Array, Array, Array]:
    """Sums of ``pair_moments``, (..., 6) -> centred sums of squares and products ``Sxx, Syy, Sxy``, each (...)."""
    import numpy as np

    n, x, y, xx, yy, xy = np.moveaxis(sums, -1, 0)
    n = np.where(n > 0, n, np.nan)
    # The squares of a constant series cancel only up to rounding; that residue is not variance.
    sxx, syy = xx - x * x / n, yy - y * y / n
    sxx = np.where(sxx > 1e-12 * np.maximum(xx, 1e-300), sxx, 0.0)
    syy = np.where(syy > 1e-12 * np.maximum(yy, 1e-300), syy, 0.0)
    # Nor is the residue of a product with a constant series covariance: |Sxy| <= sqrt(Sxx Syy) (Cauchy-Schwarz).
    bound = np.sqrt(sxx * syy)
    return sxx, syy, np.clip(xy - x * y / n, -bound, bound)


def pearson_from_sums(sums: Array) -> Array:
    """Pearson's correlation from sums of ``pair_moments``: (..., 6) -> (...); NaN where a series is constant."""
    import numpy as np

    sxx, syy, sxy = centred_sums(sums)
    return np.clip(ratio(sxy, np.sqrt(sxx * syy)), -1, 1)


def icc31_from_sums(sums: Array) -> Array:
    """ICC(3,1) for two raters (Shrout & Fleiss 1979) from sums of ``pair_moments``: (..., 6) -> (...).

    ``(MSR - MSE) / (MSR + MSE)``. With the mean ``m`` and half the difference ``d`` of each sample's two ratings,
    ``MSR = 2 var(m)`` and ``MSE = 2 var(d)``. NaN for a single sample.
    """
    import numpy as np

    n = sums[..., 0]
    sxx, syy, sxy = centred_sums(sums)
    with np.errstate(divide="ignore", invalid="ignore"):
        rows = (sxx + syy + 2 * sxy) / 2 / (n - 1)
        error = (sxx + syy - 2 * sxy) / 2 / (n - 1)
    return np.where(n > 1, ratio(rows - error, rows + error), np.nan)


def pearson(x: Array, y: Array) -> Array:
    """Pearson's correlation over the first axis: (N, ...) and (N, ...) -> (...).

    >>> import numpy as np
    >>> x = np.array([0.0, 1.0, 2.0])
    >>> float(pearson(x, 3 - 2 * x))
    -1.0
    """
    return pearson_from_sums(pair_moments(x, y).sum(0))


def icc31(x: Array, y: Array) -> Array:
    """ICC(3,1) of two raters over the first axis: (N, ...) and (N, ...) -> (...)."""
    return icc31_from_sums(pair_moments(x, y).sum(0))


def ratio(numerator: Array, denominator: Array) -> Array:
    """Elementwise quotient; NaN where the denominator is not positive."""
    import numpy as np

    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(denominator > 0, numerator / np.where(denominator > 0, denominator, 1), np.nan)
