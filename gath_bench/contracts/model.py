"""Models: one still portrait and a vector of AU coefficients in, the same person with that expression out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from torch import Tensor

#: What a model may ask for beyond portrait and target AUs. Each comes as a keyword argument of that name:
#: ``sample_id`` and ``subject`` (tuple of B strings), ``source_aus`` (B, K), ``target`` (B, 3, H, W),
#: ``mean_portrait`` (3, H, W).
MODEL_NEEDS = frozenset({"sample_id", "subject", "source_aus", "target", "mean_portrait"})


@dataclass(frozen=True)
class ModelInfo:
    """What a model says of itself.

    Attributes:
        fingerprint: SHA-256 (hex) over weights and configuration; empty for a model that has neither.
        au_space: the AU space it is driven in; None takes the data set's own.
        resolution: the side of the images it takes and paints, in pixels; None takes any.
        needs: what it asks for beyond portrait and target AUs, out of ``MODEL_NEEDS``.
        trained_against: keys of the AU estimators and identity encoders that taught it, so that a table
            can flag an evaluator that was also a training loss.
        timed: whether its speed means anything; false for a model that only looks its images up.
        precision: the number format that most of its arithmetic is done in: ``"fp32"``, ``"tf32"``,
            ``"bf16"``, ``"fp16"``, ``"int8"``. It stands in the key of system metrics, so that unlike
            precisions share no column.
    """

    fingerprint: str = ""
    au_space: str | None = None
    resolution: int | None = None
    needs: frozenset[str] = frozenset()
    trained_against: tuple[str, ...] = ()
    timed: bool = True
    precision: str = "fp32"

    @property
    def is_reference(self) -> bool:
        """Whether the model sees the answer: its row is a yardstick and never takes part in a ranking."""
        return "target" in self.needs


@dataclass(frozen=True)
class Animated:
    """The images of a batch, when some of them cannot be had.

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
        """Paint the portraits' people with the target AUs.

        Args:
            portraits: float32 (B, 3, H, W), sRGB in [0, 1], on the model's device.
            target_aus: float32 (B, K) in [0, 1], in ``info.au_space``.
            needs: exactly what ``info.needs`` names, nothing else.

        Returns:
            float32 (B, 3, H', W'), sRGB; the engine clips it to [0, 1], resizes it to the evaluation
            resolution and rounds it to 8 bits before anything is graded.

        Raises:
            Unavailable: no image of this batch can be had; every value becomes NA with that reason.
        """
        ...
