"""Checks of models."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property

from gath_bench.au import get_space
from gath_bench.contracts.batch import Batch
from gath_bench.contracts.model import MODEL_NEEDS, AnimationModel, ModelInfo
from gath_bench.engine.animate import Animator, Generated
from gath_bench.errors import Unavailable, did_you_mean
from gath_bench.registry import Component
from gath_bench.suite.checks import check_info
from gath_bench.testing.findings import DECLARATION, Check, require
from gath_bench.testing.samples import Bench, Samples, milliseconds

#: Largest difference of an image alone and in a batch, in levels of 255: rounding, and matrix products of other sizes.
LEVELS = 2
_SEED = 5


class ModelChecks:
    """The checks of one model."""

    def __init__(self, model: Component, bench: Bench) -> None:
        self.model, self.bench = model, bench

    def __iter__(self) -> Iterator[Check]:
        yield Check(DECLARATION, self.declaration)
        yield Check("shapes and ranges", self.shapes)
        yield Check("determinism", self.determinism)
        yield Check("batch invariance", self.batch_invariance)
        yield Check("target AUs", self.target_aus)
        yield Check("NA behaviour", self.portrait_without_face)
        yield Check("speed", self.speed)

    def declaration(self) -> None:
        """``info`` has the documented types and names that exist."""
        require(
            isinstance(self.model.instance, AnimationModel),
            "a model has the methods to() and animate(), and info",
        )
        check_info(str(self.model.name), "model", self.model)
        info: ModelInfo = self.model.info
        if info.au_space is not None:
            get_space(info.au_space)
        for need in sorted(info.needs - MODEL_NEEDS):
            require(
                False,
                f"info.needs has {need!r}, which no data set provides: {did_you_mean(need, MODEL_NEEDS)}",
            )

    def shapes(self) -> str:
        """``animate`` returns images of the portraits' size in [0, 1], without NaN."""
        generated = self._animate(self.samples.batch)
        bad = {reason for reason in generated.missing.values() if "NaN" in reason}
        require(not bad, "; ".join(bad))
        if len(generated.missing) == len(self.samples):
            raise Unavailable(next(iter(generated.missing.values())))
        return f"{len(self.samples)} samples of {self.samples.dataset.name}"

    def determinism(self) -> None:
        """The same batch and seed give the same images."""
        import torch

        one, two = (self._animate(self.samples.batch).images for _ in range(2))
        require(
            torch.equal(one, two),
            f"two calls with equal inputs and seeds differ by up to {_levels(one, two)} of 255 levels: draw random "
            "numbers from the global generators, which the engine seeds per batch",
        )

    def batch_invariance(self) -> None:
        """An image does not depend on the other samples of its batch."""
        whole = self._animate(self.samples.batch)
        for position in range(len(self.samples)):
            if position in whole.missing:
                continue
            alone = self._animate(self.samples.batch.select([position]))
            difference = _levels(alone.images[0], whole.images[position])
            require(
                difference <= LEVELS,
                f"the image of sample {position} differs by {difference} of 255 levels between a batch of 1 and "
                f"one of {len(self.samples)}: it may not depend on the other samples",
            )

    def target_aus(self) -> str | None:
        """No AU and all AUs at full strength give images as well."""
        import torch

        batch = self.samples.batch
        neutral = self._animate(replace(batch, target_aus=torch.zeros_like(batch.target_aus)))
        extreme = self._animate(replace(batch, target_aus=torch.ones_like(batch.target_aus)))
        for name, generated in (("0", neutral), ("1", extreme)):
            bad = {reason for reason in generated.missing.values() if "NaN" in reason}
            require(not bad, f"with all target AUs at {name}: {'; '.join(bad)}")
        same = torch.equal(neutral.images, extreme.images)
        return "the images do not depend on the target AUs" if same else None

    def portrait_without_face(self) -> str | None:
        """A grey portrait gives an image or ``Unavailable``, and no other exception."""
        import torch

        batch = self.samples.batch
        try:
            self._animate(replace(batch, source=torch.full_like(batch.source, 128 / 255)))
        except Unavailable as reason:
            return f"a grey portrait is NA: {reason}"
        return None

    def speed(self) -> str:
        """The time of a call."""
        return milliseconds(lambda: self._animate(self.samples.batch), len(self.samples), self.bench.device)

    @cached_property
    def samples(self) -> Samples:
        """The samples to animate."""
        return self.bench.samples()

    @cached_property
    def animator(self) -> Animator:
        """The model as the engine calls it."""
        framing = self.bench.framing(self.samples)
        return Animator.on_device(self.model, self.samples.dataset, self.bench.device, _SEED, framing)

    def _animate(self, batch: Batch) -> Generated:
        return self.animator(batch, 0)


def _levels(one: object, two: object) -> int:
    """The largest difference of two images in levels of 255."""
    import torch

    return round(float((torch.as_tensor(one) - torch.as_tensor(two)).abs().max()) * 255)
