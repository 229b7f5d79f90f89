"""Animates one batch: images at the evaluation resolution, rounded to 8 bits as a viewer would get them."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from gath_bench.au.maps import AUMap, apply, find_map
from gath_bench.contracts.batch import Batch
from gath_bench.contracts.dataset import DatasetInfo, HasMeanPortrait
from gath_bench.contracts.model import MODEL_NEEDS, AnimationModel, ModelInfo
from gath_bench.engine.outputs import checked_animated
from gath_bench.errors import Unavailable, UsageError
from gath_bench.faces.framing import Framing
from gath_bench.images import RESIZE, resize, to_8bit
from gath_bench.registry import Component

if TYPE_CHECKING:
    from torch import Tensor

_MISSING_NEEDS = {
    "target": "no target image",
    "source_aus": "the AUs of the source portrait are unknown",
    "mean_portrait": "the data set has no mean portrait",
}


@dataclass(frozen=True)
class Generated:
    """The images of one batch: float32 (B, 3, H, W), multiples of 1/255; position -> reason for those missing."""

    images: Tensor
    missing: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Animator:
    """A model on a device with the adapters for one data set: AU space, framing, resolution and declared needs."""

    model: AnimationModel
    info: ModelInfo
    dataset: Component
    device: str
    seed: int
    framing: Framing

    @classmethod
    def on_device(
        cls, model: Component, dataset: Component, device: str, seed: int, framing: Framing
    ) -> Animator:
        """Move a model to a device; whatever its ``to`` raises is raised."""
        return cls(model.instance.to(device), model.info, dataset, device, seed, framing)

    def __call__(self, batch: Batch, number: int) -> Generated:
        """Animate a batch; ``number`` seeds the random numbers, so that a resumed run draws the same ones.

        A batch that does not fit in the device's memory is generated in halves, with a warning.

        Raises:
            Unavailable: no image of this batch can be generated.
        """
        import torch

        try:
            return self._animate(batch, number)
        except torch.OutOfMemoryError:
            if len(batch) == 1:
                raise
        # Below the handler, since the exception keeps the tensors of the failed call in memory.
        if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
            torch.cuda.empty_cache()
        middle = len(batch) // 2
        warnings.warn(
            f"{type(self.model).__name__} is out of memory with {len(batch)} images: it generates {middle} and "
            f"{len(batch) - middle} instead. Models with random numbers draw others than in one batch.",
            stacklevel=2,
        )
        first = self._half(batch, range(middle), number)
        second = self._half(batch, range(middle, len(batch)), number)
        later = {position + middle: reason for position, reason in second.missing.items()}
        return Generated(torch.cat([first.images, second.images]), first.missing | later)

    def _half(self, batch: Batch, positions: range, number: int) -> Generated:
        """A part of a batch; where no image of it can be generated, all of them are missing."""
        import torch

        part = batch.select(list(positions))
        try:
            return self(part, number)
        except Unavailable as error:
            lost = dict.fromkeys(range(len(part)), str(error))
            return Generated(torch.zeros_like(part.source, device=self.device), lost)

    def _animate(self, batch: Batch, number: int) -> Generated:
        """Animate a batch in one call of the model."""
        import torch

        has_source = self.dataset.info.has_source
        if not has_source and not self.info.needs & {"target", "sample_id"}:
            raise Unavailable("the data set has no source portraits")
        template = self.info.template
        if template is None or not self.framing.differs(template):
            return self._generate(self.portraits(batch), batch, number, batch.source.shape[-1])
        source = batch.source.to(self.device)
        aligned = self.framing.align(source, template, self.info.resolution or template.size, "source")
        if not aligned.positions:
            raise Unavailable(next(iter(aligned.missing.values())))
        with torch.inference_mode():
            shown = replace(aligned, crops=to_8bit(aligned.crops))
            part = batch.select(aligned.positions)
            generated = self._generate(shown.crops.clone(), part, number, shown.crops.shape[-1])
            images = to_8bit(shown.paste(source, generated.images))
        missing = {aligned.positions[index]: reason for index, reason in generated.missing.items()}
        return Generated(images, aligned.missing | missing)

    def _generate(self, portraits: Tensor, batch: Batch, number: int, side: int) -> Generated:
        """The model's images of portraits that are framed as it expects, at ``side`` pixels."""
        import torch

        extras = self.extras(batch)
        _seed_all((self.seed * 1_000_003 + number) % 2**63)
        with torch.inference_mode():
            expected = portraits.shape[-1]
            animated = checked_animated(
                self.model.animate(portraits, self.target_aus(batch), **extras), len(batch), expected
            )
            raw = animated.images.detach().float().to(self.device)
            # Before clipping, which would turn infinity into white.
            bad = ~torch.isfinite(raw).flatten(1).all(1)
            images = to_8bit(resize(raw.clamp(0, 1), side))
        missing = dict(animated.missing)
        for position in bad.nonzero().flatten().tolist():
            missing.setdefault(position, "the generated image contains NaN or Inf")
        return Generated(torch.nan_to_num(images), missing)

    def extras(self, batch: Batch) -> dict[str, Any]:
        """What the model declared in ``info.needs`` beyond portrait and target AUs.

        Raises:
            Unavailable: the data set does not provide it.
        """
        return {name: self._need(name, batch) for name in sorted(self.info.needs)}

    def portraits(self, batch: Batch) -> Tensor:
        """The source portraits at the model's resolution; a copy, since models may work in place."""
        source = batch.source.to(self.device, copy=True)
        return source if self.info.resolution is None else to_8bit(resize(source, self.info.resolution))

    def target_aus(self, batch: Batch) -> Tensor:
        """The target AUs in the model's space; AUs that the data set does not cover are zero."""
        return self._mapped(batch.target_aus)

    def _mapped(self, aus: Tensor) -> Tensor:
        import torch

        mapping = au_map(self.dataset.info, self.info)
        mapped = aus if mapping is None else apply(mapping, aus)
        return torch.nan_to_num(torch.as_tensor(mapped, dtype=torch.float32)).to(self.device)

    def _need(self, name: str, batch: Batch) -> Any:
        if name not in MODEL_NEEDS:
            raise UsageError(
                f"the model declares the unknown need {name!r}; known: {', '.join(sorted(MODEL_NEEDS))}."
            )
        if name == "mean_portrait":
            adapter = self.dataset.instance
            if not isinstance(adapter, HasMeanPortrait):
                raise Unavailable(_MISSING_NEEDS[name])
            return adapter.mean_portrait().to(self.device, copy=True)
        value = getattr(batch, name)
        if value is None:
            raise Unavailable(_MISSING_NEEDS[name])
        if name == "source_aus":
            return self._mapped(value)
        return value.to(self.device, copy=True) if name == "target" else value


def _seed_all(number: int) -> None:
    """Seed every global random generator that a model may use."""
    import random

    import numpy as np
    import torch

    torch.manual_seed(number)
    np.random.seed(number % 2**32)
    random.seed(number)


def au_map(dataset: DatasetInfo, model: ModelInfo) -> AUMap | None:
    """The map from the data set's AU space to the model's; None if they are equal.

    Raises:
        UsageError: no map exists.
    """
    if model.au_space is None or model.au_space == dataset.au_space:
        return None
    return find_map(dataset.au_space, model.au_space)


def resize_note(dataset: DatasetInfo, model: ModelInfo) -> dict[str, str]:
    """The key parameter of a resize between the model's and the evaluation resolution."""
    if model.resolution is None or model.resolution == dataset.resolution:
        return {}
    return {"resize": f"{RESIZE}:{model.resolution}to{dataset.resolution}"}


def align_note(dataset: DatasetInfo, model: ModelInfo, detector: str) -> dict[str, str]:
    """The key parameter of an alignment between the data set's framing and the model's.

    Args:
        detector: name and hash of the face detector, for images whose framing is not known.
    """
    if model.template is None or model.template == dataset.template:
        return {}
    origin = dataset.template.name if dataset.template else f"faces by {detector}"
    return {"align": f"{origin} to {model.template.name}"}
