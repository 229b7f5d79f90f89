"""Models: generate an image of the person in a portrait with the expression of an AU vector."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from gath_bench.contracts.face import Template

if TYPE_CHECKING:
    from torch import Tensor

#: Inputs that a model may declare beyond portrait and target AUs. Each is passed as a keyword argument:
#: ``sample_id`` and ``subject`` (tuple of B strings), ``source_aus`` (B, K), ``target`` (B, 3, H, W),
#: ``mean_portrait`` (3, H, W).
MODEL_NEEDS = frozenset({"sample_id", "subject", "source_aus", "target", "mean_portrait"})


@dataclass(frozen=True)
class ModelInfo:
    """The properties of a model.

    Attributes:
        fingerprint: SHA-256 (hex) over weights and configuration; empty for a model that has neither.
        au_space: the AU space it is driven in; None takes the data set's own.
        resolution: the side of its input and output images in pixels; None for any size.
        needs: further inputs, out of ``MODEL_NEEDS``.
        trained_against: keys of the AU estimators and identity encoders in its training losses, so that a
            table can mark values that were measured with the same weights.
        timed: whether its speed is meaningful; false for a model that reads its images from a folder.
        precision: the number format of most of its arithmetic: ``"fp32"``, ``"tf32"``,
            ``"bf16"``, ``"fp16"``, ``"int8"``. It is part of the key of system metrics, so that
            different precisions share no column.
        template: where it expects the parts of a face; None for a model that takes images as they are.
        baseline: a trivial model that shows the range of a metric; it is in the tables but never ranked.
    """

    fingerprint: str = ""
    au_space: str | None = None
    resolution: int | None = None
    needs: frozenset[str] = frozenset()
    trained_against: tuple[str, ...] = ()
    timed: bool = True
    precision: str = "fp32"
    template: Template | None = None
    baseline: bool = False

    @property
    def is_reference(self) -> bool:
        """Whether the model gets the target image. Such a baseline is never ranked."""
        return "target" in self.needs


@dataclass(frozen=True)
class Animated:
    """The images of a batch of which some are missing.

    Attributes:
        images: float32 (B, 3, H, W) in [0, 1]; the values at missing positions are ignored.
        missing: position in the batch -> reason.
    """

    images: Tensor
    missing: Mapping[int, str] = field(default_factory=dict)


@runtime_checkable
class AnimationModel(Protocol):
    """A model under evaluation."""

    @property
    def info(self) -> ModelInfo: ...

    def to(self, device: str) -> AnimationModel:
        """The model on a device, ready for inference."""
        ...

    def animate(self, portraits: Tensor, target_aus: Tensor, **needs: Any) -> Tensor | Animated:
        """Generate images of the portraits' subjects with the target AUs.

        Args:
            portraits: float32 (B, 3, H, W), sRGB in [0, 1], on the model's device.
            target_aus: float32 (B, K) in [0, 1], in ``info.au_space``.
            needs: exactly the inputs in ``info.needs``.

        Returns:
            float32 (B, 3, H, W) of the portraits' size, sRGB; the engine clips it to [0, 1], resizes it to the
            evaluation resolution and rounds it to 8 bits before metrics see it. Another size, or another range such
            as [-1, 1], is a failure.

        Raises:
            Unavailable: no image of this batch can be generated; every value becomes NA with that reason.
        """
        ...


@runtime_checkable
class ReadsImages(Protocol):
    """A model that reads its images from a folder, by sample id."""

    def unmatched(self, sample_ids: Iterable[str]) -> tuple[str, ...]:
        """File names of the images that belong to none of these samples; the user is warned of them."""
        ...


@runtime_checkable
class HasSourceAUs(Protocol):
    """A model that estimates the own AUs of a portrait: asking it for them changes nothing."""

    def source_aus(self, portraits: Tensor) -> Tensor:
        """AUs of float32 (B, 3, H, W) portraits in [0, 1], float32 (B, K) in [0, 1], in ``info.au_space``."""
        ...
