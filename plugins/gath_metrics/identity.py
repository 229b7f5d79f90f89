"""identity: similarity of identity embeddings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from gath_bench.contracts import Batch, Evaluations, Features, Measured, MetricInfo, RoleRequest, Summary

#: Minimum difference between the similarity of the oracle and that of impostors; below it, the encoder cannot
#: discriminate a pair.
MIN_CONTRAST = 0.1


def cosine(a: Tensor, b: Tensor) -> Tensor:
    """Cosine between embeddings: two (B, D) -> float64 (B,) in [-1, 1].

    >>> import torch
    >>> cosine(torch.tensor([[3.0, 4.0]]), torch.tensor([[6.0, 8.0]])).round(decimals=9).tolist()
    [1.0]
    """
    return F.cosine_similarity(a.double(), b.double(), dim=1).clamp(-1, 1)


def similarity(a: Tensor, b: Tensor, l2_scale: float | None = None) -> Tensor:
    """Similarity of embeddings by the convention of their encoder: two (B, D) -> float64 (B,), 1 for equal ones.

    Args:
        a: embeddings.
        b: as many embeddings.
        l2_scale: the Euclidean distance that has the similarity 0: ``1 - |a - b| / l2_scale``, at least -1. None for
            the cosine.

    >>> import torch
    >>> similarity(torch.tensor([[0.0, 0.0]]), torch.tensor([[0.3, 0.4]]), 1.0).round(decimals=6).tolist()
    [0.5]
    """
    if l2_scale is None:
        return cosine(a, b)
    distance: Tensor = torch.linalg.vector_norm(a.double() - b.double(), dim=1)
    return (1 - distance / l2_scale).clamp(-1, 1)


def normalised(similarity: Tensor, oracle: Tensor, impostor_mean: float) -> Tensor:
    """Similarity, rescaled so that impostors have 0 and the true image has 1.

    ``(cos(generated, source) - impostor) / (cos(target, source) - impostor)``, per image. The true image of the person
    with the target expression is the upper reference.

    Args:
        similarity: cosines of generated and source images, (B,).
        oracle: cosines of target and source images, (B,).
        impostor_mean: the encoder's mean cosine between images of different people.

    Returns:
        (B,); NaN where the oracle is less than 0.1 above the impostor mean.

    >>> import torch
    >>> normalised(torch.tensor([0.5, 0.5]), torch.tensor([0.9, 0.1]), 0.1).round(decimals=6).tolist()
    [0.5, nan]
    """
    contrast = oracle - impostor_mean
    return ((similarity - impostor_mean) / contrast).where(contrast >= MIN_CONTRAST, float("nan"))


class Identity:
    """The metric ``identity``."""

    def __init__(self, *, encoder: str = "synthfaces") -> None:
        """Args:
        encoder: component name of the identity encoder.
        """
        self.info = MetricInfo(
            summaries=(
                Summary("identity.source", "higher", "", -1.0, 1.0),
                Summary("identity.target", "higher", "", -1.0, 1.0, primary=False),
                Summary("identity.normalised", "higher", primary=False),
                Summary("identity.verified", "higher", "", 0.0, 1.0, primary=False),
            ),
            roles=(RoleRequest("identity_encoder", encoder),),
            display="{:.3f}",
        )

    def measure(self, generated: Tensor, batch: Batch, evaluations: Evaluations) -> Sequence[Measured]:
        """Similarities between the embeddings of generated, source and target images."""
        embedded = evaluations.features("identity_encoder", "generated")
        source = evaluations.features("identity_encoder", "source")
        calibration = evaluations.calibration("identity_encoder")
        scale = calibration.get("l2_scale")
        to_source = _similarity("identity.source", embedded, source, scale)
        if batch.target is None:
            to_target = _unavailable("identity.target", len(batch), "no target image")
            relative = _unavailable("identity.normalised", len(batch), "no target image")
        else:
            target = evaluations.features("identity_encoder", "target")
            to_target = _similarity("identity.target", embedded, target, scale)
            oracle = _similarity("", target, source, scale)
            relative = _normalised(to_source, oracle, calibration)
        return [to_source, to_target, relative, _verified(to_source, calibration)]


def _embeddings(features: Features) -> Tensor:
    if not isinstance(features.values, Tensor):
        raise TypeError("an identity encoder returns one tensor (B, D), not feature maps")
    return features.values


def _values(measured: Measured) -> Tensor:
    return torch.as_tensor(measured.values, dtype=torch.float64)


def _similarity(name: str, a: Features, b: Features, l2_scale: float | None) -> Measured:
    values = similarity(_embeddings(a), _embeddings(b), l2_scale)
    return Measured(name, values, missing={**b.missing, **a.missing})


def _normalised(to_source: Measured, oracle: Measured, calibration: Mapping[str, float]) -> Measured:
    name = "identity.normalised"
    if "impostor_mean" not in calibration:
        return _unavailable(name, len(to_source.values), "the encoder has no calibration impostor_mean")
    values = normalised(_values(to_source), _values(oracle), calibration["impostor_mean"])
    reason = "the encoder does not discriminate source and target from impostors"
    undefined = dict.fromkeys(values.isnan().nonzero().flatten().tolist(), reason)
    return Measured(name, values, missing={**undefined, **oracle.missing, **to_source.missing})


def _verified(to_source: Measured, calibration: Mapping[str, float]) -> Measured:
    name = "identity.verified"
    if "threshold" not in calibration:
        return _unavailable(name, len(to_source.values), "the encoder has no calibration threshold")
    return Measured(
        name, (_values(to_source) >= calibration["threshold"]).double(), missing=to_source.missing
    )


def _unavailable(name: str, count: int, reason: str) -> Measured:
    return Measured(name, [float("nan")] * count, missing=dict.fromkeys(range(count), reason))
