"""Evaluators: the networks that grade, each in one of three roles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol, get_args, runtime_checkable

from gath_bench.contracts.face import Template

if TYPE_CHECKING:
    from torch import Tensor

Role = Literal["au_estimator", "identity_encoder", "perceptual_trunk"]
ROLES: tuple[Role, ...] = get_args(Role)


@dataclass(frozen=True)
class Validation:
    """How an evaluator was validated in one domain.

    Attributes:
        statement: the data, the reference and the result, in words, with the command that measured it.
        aus: for an AU estimator that is valid for some AUs only, these AUs and the figure of each; the others are NA
            in this domain. None if it is valid for all of its AUs, and for other evaluators.
    """

    statement: str
    aus: Mapping[str, float] | None = None


@dataclass(frozen=True)
class EvaluatorInfo:
    """What an evaluator says of itself.

    Attributes:
        fingerprint: SHA-256 (hex) over its weights, configuration and calibration; ``NO_WEIGHTS`` while its
            weights are missing.
        domains: the data-set domains it was made for (``"synthetic"``, ``"photo"``, ``"mesh"``); elsewhere its
            values are NA, "not valid here".
        au_space: for an AU estimator, the AU space it answers in.
        calibration: for an identity encoder, as far as its makers measured them on people that are in no
            evaluated split: ``impostor_mean``, the mean cosine between images of unlike people, and
            ``threshold``, the cosine that one such pair in a thousand reaches (false accept rate 1e-3). An encoder
            whose embeddings are compared by their Euclidean distance states ``l2_scale``: similarity is then
            ``1 - L2 / l2_scale`` instead of the cosine.
        template: where it expects the parts of a face; None for an evaluator that takes images as they are.
        validation: domain -> how it was validated there. A domain that is not in ``domains`` may have one: it says why
            the evaluator is not valid there.
    """

    fingerprint: str
    domains: frozenset[str]
    au_space: str | None = None
    calibration: Mapping[str, float] = field(default_factory=dict)
    template: Template | None = None
    validation: Mapping[str, Validation] = field(default_factory=dict)


@dataclass(frozen=True)
class Features:
    """What an evaluator sees in B images. Several metrics get the same one: the values are read, never changed.

    Attributes:
        values: AU coefficients (B, K), NaN where unknown; embeddings (B, D); or a trunk's feature maps, one
            (B, C, h, w) per layer.
        missing: position in the batch -> reason ("no face found").
        missing_aus: label of an AU that is unknown in all images -> reason. The engine adds the AUs that
            ``EvaluatorInfo.validation`` excludes.
    """

    values: Tensor | tuple[Tensor, ...]
    missing: Mapping[int, str] = field(default_factory=dict)
    missing_aus: Mapping[str, str] = field(default_factory=dict)


@runtime_checkable
class Evaluator(Protocol):
    """An AU estimator, identity encoder or perceptual trunk. Each is deterministic and per-image: an image's
    features do not depend on its neighbours in the batch."""

    @property
    def info(self) -> EvaluatorInfo: ...

    def to(self, device: str) -> Evaluator: ...

    def __call__(self, images: Tensor) -> Features:
        """Features of float32 (B, 3, H, W) images, sRGB in [0, 1].

        Raises:
            Unavailable: the weights are missing, with the file and the command that mend it.
        """
        ...


@runtime_checkable
class AUEstimator(Evaluator, Protocol):
    """Images -> AU coefficients (B, K) in [0, 1], in ``info.au_space``."""


@runtime_checkable
class IdentityEncoder(Evaluator, Protocol):
    """Images -> embeddings (B, D); identity similarity is their cosine, unless ``calibration`` has ``l2_scale``."""


@runtime_checkable
class PerceptualTrunk(Evaluator, Protocol):
    """Images -> feature maps of several layers, for perceptual distances."""
