"""What a plugin returns from its hooks: names and where to find the code, nothing heavy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args

Kind = Literal[
    "model", "dataset", "metric", "au_estimator", "identity_encoder", "perceptual_trunk", "face_detector"
]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class ComponentSpec:
    """The registration of one component.

    Attributes:
        name: lower case, words joined by hyphens; what the user types.
        factory: ``"package.module:Class"``, imported on first use, or the callable itself. Its keyword-only
            parameters with annotations and defaults *are* the component's parameters: the registry validates
            them, and their values stand in the key.
        summary: one line for ``gath-bench list``.
        version: raised whenever the same inputs give other values; it stands in the key.
        requires: packages that must be importable; without them the component is listed as unavailable.
        extra: the extra of ``gath-bench`` that installs them, for the message.
    """

    name: str
    factory: str | Callable[..., Any]
    summary: str
    version: int = 1
    requires: tuple[str, ...] = ()
    extra: str | None = None

    kind: ClassVar[Kind]


@dataclass(frozen=True)
class ModelSpec(ComponentSpec):
    """Registers an ``AnimationModel``."""

    kind: ClassVar[Kind] = "model"


@dataclass(frozen=True)
class DatasetSpec(ComponentSpec):
    """Registers a ``DatasetAdapter``."""

    kind: ClassVar[Kind] = "dataset"


@dataclass(frozen=True)
class MetricSpec(ComponentSpec):
    """Registers a ``Metric`` or a ``SystemMetric``."""

    kind: ClassVar[Kind] = "metric"


@dataclass(frozen=True)
class AUEstimatorSpec(ComponentSpec):
    """Registers an ``AUEstimator``."""

    kind: ClassVar[Kind] = "au_estimator"


@dataclass(frozen=True)
class IdentityEncoderSpec(ComponentSpec):
    """Registers an ``IdentityEncoder``."""

    kind: ClassVar[Kind] = "identity_encoder"


@dataclass(frozen=True)
class PerceptualTrunkSpec(ComponentSpec):
    """Registers a ``PerceptualTrunk``."""

    kind: ClassVar[Kind] = "perceptual_trunk"


@dataclass(frozen=True)
class FaceDetectorSpec(ComponentSpec):
    """Registers a ``FaceDetector``."""

    kind: ClassVar[Kind] = "face_detector"


@dataclass(frozen=True)
class CommandSpec:
    """An extra subcommand of ``gath-bench``: ``"package.module:click_command"``, imported when it is called."""

    name: str
    target: str
    summary: str
