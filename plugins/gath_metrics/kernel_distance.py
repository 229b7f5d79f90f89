"""kernel-distance and kid: kernel distance between the features of generated and reference images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from gath_bench.contracts import CORPUS, Batch, CorpusFeatures, Evaluations, MetricInfo, RoleRequest, Summary
from gath_bench.errors import Unavailable
from gath_metrics.frechet_distance import Reference, require_inception
from gath_metrics.inception import INCEPTION
from gath_metrics.pooled_features import GENERATED, REFERENCE, pooled_features

#: Rows of the kernel matrix in memory at a time.
_ROWS = 512


def kernel_distance(
    a: NDArray[Any], b: NDArray[Any], weights: NDArray[Any] | None = None
) -> NDArray[np.float64]:
    """Unbiased squared maximum mean discrepancy with the kernel ``(x · y / D + 1)³``.

    Computed over all pairs of samples; the mean over random subsets, which other implementations report, estimates the
    same number. Source: Bińkowski, Sutherland, Arbel and Gretton, Demystifying MMD GANs, ICLR 2018.

    Args:
        a: (N, D) features.
        b: (N, D) features.
        weights: (R, N): how often each sample of both occurs in each of R sets; None for one set of all samples. A
            sample is never paired with its own copies within ``a`` or within ``b``.

    Returns:
        float64 (R,); may be below 0.

    >>> import numpy as np
    >>> a = np.random.default_rng(0).normal(size=(400, 3))
    >>> bool(abs(kernel_distance(a[:200], a[200:])[0]) < 0.1), bool(kernel_distance(a, a + 1)[0] > 1)
    (True, True)
    """
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    counts = np.ones((1, len(a))) if weights is None else np.asarray(weights, np.float64)
    total, own = counts.sum(1), (counts**2).sum(1)
    within = sum(_form(counts, x, x) - (counts**2) @ _kernel_of_itself(x) for x in (a, b))
    return np.asarray(within / (total**2 - own) - 2 * _form(counts, a, b) / total**2)


def _form(counts: NDArray[np.float64], x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """``w K(x, y) wᵀ`` for each row w of ``counts``, in blocks of rows of K."""
    found = np.zeros(len(counts))
    for start in range(0, len(x), _ROWS):
        rows = slice(start, start + _ROWS)
        kernel = (x[rows] @ y.T / x.shape[1] + 1) ** 3
        found += (counts[:, rows] * (counts @ kernel.T)).sum(1)
    return found


def _kernel_of_itself(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(((x**2).sum(1) / x.shape[1] + 1) ** 3)


class KernelDistance:
    """The metric ``kernel-distance``: over the features of any network."""

    value = "kernel-distance"

    def __init__(self, *, network: str = "synthfaces", reference: Reference = "target") -> None:
        """Args:
        network: component name of a perceptual trunk. Its last feature map, averaged over positions, is used.
        reference: ``target`` compares with the target images, ``source`` with the source portraits.
        """
        self.reference: Reference = reference
        self.info = MetricInfo(
            summaries=(Summary(self.value, direction="lower", reducer=CORPUS),),
            needs=frozenset({"target"} if reference == "target" else ()),
            roles=(RoleRequest("perceptual_trunk", network),),
            display="{:.5f}",
        )

    def update(self, generated: Tensor, batch: Batch, evaluations: Evaluations) -> CorpusFeatures:
        """The features of the generated and of the reference images."""
        return pooled_features(evaluations, self.reference)

    def compute(self, features: Mapping[str, NDArray[np.float32]], weights: NDArray[np.int64]) -> list[float]:
        """The distance for each row of weights.

        Raises:
            Unavailable: fewer than two images.
        """
        if len(features[GENERATED]) < 2:
            raise Unavailable("needs at least 2 images")
        with np.errstate(divide="ignore", invalid="ignore"):  # a resample of one sample alone has no pairs
            return [
                float(value) for value in kernel_distance(features[GENERATED], features[REFERENCE], weights)
            ]


class KID(KernelDistance):
    """The metric ``kid``: kernel inception distance."""

    value = "kid"

    def __init__(self, *, network: str = INCEPTION, reference: Reference = "target") -> None:
        """Args:
        network: the Inception network with its resizer; other networks are refused, since the value is then no KID.
        reference: ``target`` compares with the target images, ``source`` with the source portraits.
        """
        super().__init__(network=require_inception("kid", network, "kernel-distance"), reference=reference)
