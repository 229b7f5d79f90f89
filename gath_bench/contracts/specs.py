"""What a plugin returns from its hooks: names and where to find the code, nothing heavy."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args

Kind = Literal[
    "model", "dataset", "metric", "au_estimator", "identity_encoder", "perceptual_trunk", "face_detector"
]
KINDS: tuple[Kind, ...] = get_args(Kind)
_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")


def is_name(text: object) -> bool:
    """Whether a text is a valid component or command name: lower-case words joined by hyphens.

    >>> is_name("copy-source"), is_name("Copy Source")
    (True, False)
    """
    return isinstance(text, str) and _NAME.fullmatch(text) is not None


@dataclass(frozen=True)
class WeightsSpec:
    """A weights file that users obtain themselves. Nothing is downloaded unless ``gath-bench weights get`` is called.

    Attributes:
        name: what ``gath-bench weights get NAME`` takes.
        files: file names that are looked for; the first is what a download is called.
        summary: one line for ``gath-bench weights list``.
        licence: the licence as its publisher states it.
        url: where its publisher offers it (https); None where there is no single file to download.
        size: of the download, in bytes; None if unknown.
        sha256: SHA-256 (hex) of the download, or the first 8 or more digits of it; None if unknown.
        beside: files that belong to the weights and lie in the same folder, such as the external data of an ONNX file.
        folders: further folders to look in; ``$NAME`` is an environment variable, ``~`` the user's home.
    """

    name: str
    files: tuple[str, ...]
    summary: str
    licence: str
    url: str | None = None
    size: int | None = None
    sha256: str | None = None
    beside: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()


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
        weights: files that it needs unless a parameter names others; without them it is listed as unavailable.
        programs: programs that it needs on the ``PATH`` unless a parameter names others, likewise.
    """

    name: str
    factory: str | Callable[..., Any]
    summary: str
    version: int = 1
    requires: tuple[str, ...] = ()
    extra: str | None = None
    weights: tuple[WeightsSpec, ...] = ()
    programs: tuple[str, ...] = ()

    kind: ClassVar[Kind]


# The subclasses add no field and inherit the methods that `dataclass` made: making them again takes longer than
# importing the rest of this module.
class ModelSpec(ComponentSpec):
    """Registers an ``AnimationModel``."""

    kind: ClassVar[Kind] = "model"


class DatasetSpec(ComponentSpec):
    """Registers a ``DatasetAdapter``."""

    kind: ClassVar[Kind] = "dataset"


class MetricSpec(ComponentSpec):
    """Registers a ``Metric`` or a ``SystemMetric``."""

    kind: ClassVar[Kind] = "metric"


class AUEstimatorSpec(ComponentSpec):
    """Registers an ``AUEstimator``."""

    kind: ClassVar[Kind] = "au_estimator"


class IdentityEncoderSpec(ComponentSpec):
    """Registers an ``IdentityEncoder``."""

    kind: ClassVar[Kind] = "identity_encoder"


class PerceptualTrunkSpec(ComponentSpec):
    """Registers a ``PerceptualTrunk``."""

    kind: ClassVar[Kind] = "perceptual_trunk"


class FaceDetectorSpec(ComponentSpec):
    """Registers a ``FaceDetector``."""

    kind: ClassVar[Kind] = "face_detector"


@dataclass(frozen=True)
class CommandSpec:
    """An extra subcommand of ``gath-bench``: ``"package.module:click_command"``, imported when it is called."""

    name: str
    target: str
    summary: str
