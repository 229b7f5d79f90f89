"""frechet-distance and fid: Fréchet distance between the features of generated and reference images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from gath_bench.contracts import (
    CORPUS,
    Batch,
    ComponentName,
    CorpusFeatures,
    Evaluations,
    MetricInfo,
    RoleRequest,
    Summary,
)
from gath_bench.errors import Unavailable, UsageError
from gath_metrics.inception import INCEPTION
from gath_metrics.pooled_features import GENERATED, REFERENCE, pooled_features

Array = NDArray[np.float64]
#: Which images the generated ones are compared with.
Reference = Literal["target", "source"]


def frechet_distance(a: NDArray[Any], b: NDArray[Any], weights: NDArray[Any] | None = None) -> float:
    """Squared Fréchet distance between two normal distributions, fitted to two sets of features.

    ``|mu_a - mu_b|² + tr(C_a + C_b - 2 (C_a C_b)^(1/2))`` with sample means and covariances (divided by n - 1). The
    trace of the root is the sum of the singular values of ``X_a X_bᵀ``, where ``C = Xᵀ X``: no root of a D x D matrix
    is computed, and with fewer samples than dimensions the matrix is small. Source: Heusel, Ramsauer, Unterthiner,
    Nessler and Hochreiter, GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium, NeurIPS
    2017.

    Args:
        a: (N, D) features.
        b: (M, D) features.
        weights: how often each sample of both occurs (N = M); None for once.

    Returns:
        At least 0 up to rounding.

    >>> import numpy as np
    >>> a = np.random.default_rng(0).normal(size=(50, 3))
    >>> round(frechet_distance(a, a + [3.0, 4.0, 0.0]), 9)
    25.0
    """
    (mean_a, root_a), (mean_b, root_b) = _moments(a, weights), _moments(b, weights)
    cross = np.linalg.svd(root_a @ root_b.T, compute_uv=False).sum()
    return float(((mean_a - mean_b) ** 2).sum() + (root_a**2).sum() + (root_b**2).sum() - 2 * cross)


def _moments(features: NDArray[Any], weights: NDArray[Any] | None) -> tuple[Array, Array]:
    """The mean, and a matrix X with ``Xᵀ X`` the covariance and at most D rows."""
    values = np.asarray(features, np.float64)
    count = np.ones(len(values)) if weights is None else np.asarray(weights, np.float64)
    values, count = values[count > 0], count[count > 0]
    mean = count @ values / count.sum()
    root = np.sqrt(count / (count.sum() - 1))[:, None] * (values - mean)
    if len(root) > root.shape[1]:
        root = np.linalg.qr(root, mode="r")
    return mean, root


class FrechetDistance:
    """The metric ``frechet-distance``: over the features of any network."""

    value = "frechet-distance"

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
            tolerance=1e-3,
            display="{:.3f}",
        )

    def update(self, generated: Tensor, batch: Batch, evaluations: Evaluations) -> CorpusFeatures:
        """The features of the generated and of the reference images."""
        return pooled_features(evaluations, self.reference)

    def compute(self, features: Mapping[str, NDArray[np.float32]], weights: NDArray[np.int64]) -> list[float]:
        """The distance for each row of weights.

        Raises:
            Unavailable: fewer than two images.
        """
        a, b = features[GENERATED], features[REFERENCE]
        if len(a) < 2:
            raise Unavailable("needs at least 2 images")
        return [frechet_distance(a, b, row) for row in weights]


class FID(FrechetDistance):
    """The metric ``fid``: Fréchet inception distance."""

    value = "fid"

    def __init__(self, *, network: str = INCEPTION, reference: Reference = "target") -> None:
        """Args:
        network: the Inception network with its resizer; other networks are refused, since the value is then no FID.
        reference: ``target`` compares with the target images, ``source`` with the source portraits.
        """
        super().__init__(network=require_inception("fid", network, "frechet-distance"), reference=reference)


def require_inception(metric: str, network: str, other: str) -> str:
    """The network, if it is the Inception network of FID and KID.

    Args:
        metric: the metric.
        network: component name of a perceptual trunk.
        other: the metric that takes any network.

    Raises:
        UsageError: it is another network.
    """
    if ComponentName.parse(network).name != "inception":
        raise UsageError(f"{metric} is defined on the Inception network: use '{other}[network={network}]'.")
    return network
