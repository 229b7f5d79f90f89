"""A plugin of small components, some correct and some faulty, for the tests of the engine.

Loaded by ``--plugin toy.toy_plugin`` with ``tests`` on the path. Nothing here touches the built-in plugins.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from gath_bench import Unavailable, UsageError, hookimpl
from gath_bench.contracts import (
    CORPUS,
    MODEL_NEEDS,
    NO_WEIGHTS,
    Animated,
    AUEstimatorSpec,
    Batch,
    CellResult,
    CorpusFeatures,
    DatasetInfo,
    DatasetSpec,
    Evaluations,
    EvaluatorInfo,
    Features,
    Measured,
    MetricInfo,
    MetricSpec,
    ModelInfo,
    ModelSpec,
    RoleRequest,
    RunInfo,
    Sample,
    Summary,
    SystemUnderTest,
    Unreadable,
    Validation,
    fingerprint,
)

SIDE = 32
AUS = tuple(f"AU{number:02d}" for number in (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 25, 26, 45))
#: How often things were called, by name; tests clear it.
CALLS: Counter[str] = Counter()
#: Life-cycle hooks, in the order of their calls.
HOOK_CALLS: list[str] = []


@dataclass(frozen=True)
class ToySample(Sample):
    number: int
    swept: str | None = None


def drawn(number: int, seed: int, *shape: int) -> Tensor:
    """Uniform numbers that depend on the sample alone."""
    generator = torch.Generator().manual_seed(1000 * seed + number)
    return torch.rand(*shape, generator=generator)


class ToyDataset:
    """Smooth random pictures; the target has another middle."""

    def __init__(
        self,
        *,
        n: int = 12,
        unreadable: int = -1,
        broken: int = -1,
        targets: bool = True,
        masks: bool = True,
        mean: bool = True,
        delay: float = 0.0,
        domain: str = "synthetic",
        refuse: bool = False,
        fixed: bool = False,
    ) -> None:
        self.fixed = fixed
        self.n, self.unreadable, self.broken, self.delay = n, unreadable, broken, delay
        self.targets, self.masks, self.domain, self.refuse = targets, masks, domain, refuse
        if mean:
            self.mean_portrait = lambda: torch.full((3, SIDE, SIDE), 0.5)

    @property
    def info(self) -> DatasetInfo:
        return DatasetInfo(
            "openface17", SIDE, self.domain, ("same-subject", "sweep"), ("test", "val"), "none", self.targets
        )

    @property
    def fingerprint(self) -> str:
        return fingerprint("toy", str(self.n))

    def samples(self, split: str, protocol: str, seed: int) -> Sequence[ToySample]:
        if self.refuse:
            raise RuntimeError("the disk is on fire")
        if self.fixed:
            return [ToySample(f"{split}-{number:03d}", f"subject-{number}", 0) for number in range(self.n)]
        if protocol == "sweep":  # two AUs and three steps a subject
            return [
                ToySample(f"sweep-{number:03d}", f"subject-{number // 6}", number, AUS[number // 3 % 2])
                for number in range(self.n)
            ]
        offset = 500 if split == "val" else 0
        return [
            ToySample(f"{split}-{number:03d}", f"subject-{number // 3}", offset + 10_000 * seed + number)
            for number in range(self.n)
        ]

    def load(self, samples: Sequence[ToySample]) -> Batch:
        time.sleep(self.delay)
        CALLS["load"] += 1
        if any(sample.number == self.broken for sample in samples):
            raise OSError("the folder went away")
        good = [sample for sample in samples if sample.number != self.unreadable]
        bad = [sample for sample in samples if sample.number == self.unreadable]
        numbers = [sample.number for sample in good]
        source = _pictures(numbers, seed=1)
        disc = _disc().expand(len(good), 1, SIDE, SIDE)
        requested = _stack([drawn(number, 3, len(AUS)) for number in numbers], len(AUS))
        swept = tuple(sample.swept for sample in good if sample.swept is not None)
        for row, sample in enumerate(good):
            if sample.swept is not None:
                requested[row] = 0
                requested[row, AUS.index(sample.swept)] = sample.number % 3 / 2
        return Batch(
            sample_id=tuple(sample.sample_id for sample in good),
            subject=tuple(sample.subject for sample in good),
            source=source,
            target_aus=requested,
            au_space="openface17",
            source_aus=torch.zeros(len(good), len(AUS)),
            target=source * (1 - disc) + _pictures(numbers, seed=2) * disc if self.targets else None,
            face_mask=disc if self.masks else None,
            swept_au=swept or None,
            unreadable=tuple(Unreadable(s.sample_id, s.subject, "cannot be decoded") for s in bad),
        )


def _stack(items: list[Tensor], *shape: int) -> Tensor:
    return torch.stack(items) if items else torch.zeros(0, *shape)


def _pictures(numbers: Sequence[int], seed: int) -> Tensor:
    coarse = _stack([drawn(number, seed, 3, 5, 5) for number in numbers], 3, 5, 5)
    if not numbers:
        return torch.zeros(0, 3, SIDE, SIDE)
    return F.interpolate(coarse, size=(SIDE, SIDE), mode="bilinear", align_corners=True)


def _disc() -> Tensor:
    axis = torch.linspace(-1, 1, SIDE)
    return ((axis[:, None] ** 2 + axis[None] ** 2) < 0.5).float()[None, None]


class _Model:
    """Most toy models: nothing to move, nothing to need."""

    needs: frozenset[str] = frozenset()
    resolution: int | None = None

    @property
    def info(self) -> ModelInfo:
        return ModelInfo(
            needs=self.needs, resolution=self.resolution, fingerprint=fingerprint(type(self).__name__)
        )

    def to(self, device: str) -> _Model:
        return self


class Exact(_Model):
    needs = frozenset({"target"})

    def animate(self, portraits: Tensor, target_aus: Tensor, *, target: Tensor) -> Tensor:
        return target


class Copy(_Model):
    def animate(self, portraits: Tensor, target_aus: Tensor) -> Tensor:
        CALLS["animate"] += 1
        return portraits


class Edit(_Model):
    """Something between source and target, by the AUs; never rounded."""

    def animate(self, portraits: Tensor, target_aus: Tensor) -> Tensor:
        strength = target_aus.mean(1)[:, None, None, None]
        return portraits + 0.1 * strength * torch.sin(7 * portraits)


class Noise(_Model):
    """Draws from every global generator that a model may use; takes its time over it."""

    def __init__(self, *, delay: float = 0.0) -> None:
        self.delay = delay

    def animate(self, portraits: Tensor, target_aus: Tensor) -> Tensor:
        time.sleep(self.delay)
        noise = torch.randn_like(portraits) + float(np.random.rand()) + random.random()
        return portraits + 0.1 * noise


class Failing(_Model):
    """Fails on the batch with one sample, as long as the file ``unless`` is not there."""

    needs = frozenset({"sample_id"})

    def __init__(self, *, at: str = "test-005", unless: Path | None = None) -> None:
        self.at, self.unless = at, unless

    def animate(self, portraits: Tensor, target_aus: Tensor, *, sample_id: tuple[str, ...]) -> Tensor:
        if self.at in sample_id and not (self.unless is not None and self.unless.exists()):
            raise RuntimeError("out of luck")
        return portraits


class Shape(_Model):
    """Returns something that is not a batch of images."""

    def __init__(self, *, what: str = "one-too-few") -> None:
        self.what = what

    def animate(self, portraits: Tensor, target_aus: Tensor) -> Any:
        shapes = {
            "one-too-few": portraits[1:],
            "grey": portraits[:, :1],
            "flat": portraits.flatten(1),
            "none": None,
        }
        return shapes[self.what]


class NotANumber(_Model):
    """Sets one pixel of one sample to NaN or infinity."""

    needs = frozenset({"sample_id"})

    def __init__(self, *, at: str = "test-005", value: float = float("nan")) -> None:
        self.at, self.value = at, value

    def animate(self, portraits: Tensor, target_aus: Tensor, *, sample_id: tuple[str, ...]) -> Tensor:
        images = portraits.clone()
        if self.at in sample_id:
            images[sample_id.index(self.at), 0, 3, 3] = self.value
        return images


class Gaps(_Model):
    """Has no image for one sample."""

    needs = frozenset({"sample_id"})

    def animate(self, portraits: Tensor, target_aus: Tensor, *, sample_id: tuple[str, ...]) -> Animated:
        return Animated(
            portraits, {i: "no face found" for i, name in enumerate(sample_id) if name == "test-005"}
        )


class Small(_Model):
    resolution = 16

    def animate(self, portraits: Tensor, target_aus: Tensor) -> Tensor:
        assert portraits.shape[-2:] == (16, 16)
        return portraits


class AllNeeds(_Model):
    needs = MODEL_NEEDS

    def animate(self, portraits: Tensor, target_aus: Tensor, **needs: Any) -> Tensor:
        count = len(portraits)
        assert set(needs) == MODEL_NEEDS
        assert len(needs["sample_id"]) == len(needs["subject"]) == count
        assert needs["source_aus"].shape == target_aus.shape == (count, len(AUS))
        assert needs["target"].shape == portraits.shape
        assert needs["mean_portrait"].shape == portraits.shape[1:]
        return portraits


class NoNeeds(_Model):
    """Accepts any keyword argument, and fails with their names."""

    def animate(self, portraits: Tensor, target_aus: Tensor, **needs: Any) -> Tensor:
        if needs:
            raise RuntimeError(f"was given {sorted(needs)}")
        return portraits


class UnknownNeed(_Model):
    needs = frozenset({"unknown_input"})

    def animate(self, portraits: Tensor, target_aus: Tensor, **needs: Any) -> Tensor:
        return portraits


class InPlace(_Model):
    """Modifies its inputs in place, as much research code does."""

    needs = frozenset({"mean_portrait", "target"})

    def animate(
        self, portraits: Tensor, target_aus: Tensor, *, mean_portrait: Tensor, target: Tensor
    ) -> Tensor:
        target.zero_()
        mean_portrait.zero_()
        target_aus.zero_()
        return portraits.mul_(0)


class NoDevice(_Model):
    def to(self, device: str) -> NoDevice:
        raise RuntimeError("no room on the device")

    def animate(self, portraits: Tensor, target_aus: Tensor) -> Tensor:
        return portraits


class NoInit(_Model):
    def __init__(self, *, how: str = "RuntimeError") -> None:
        raise {"RuntimeError": RuntimeError, "Unavailable": Unavailable, "UsageError": UsageError}[how](
            "no weights"
        )


class Labelled(_Model):
    """A model whose parameter can hold any text."""

    def __init__(self, *, label: str = "") -> None:
        self.label = label

    def animate(self, portraits: Tensor, target_aus: Tensor) -> Tensor:
        if self.label:
            raise RuntimeError(self.label)
        return portraits


class TrainedAgainst(_Model):
    """A model with chosen ``trained_against`` and ``precision``."""

    def __init__(self, *, by: str = "", precision: str = "fp32") -> None:
        self.by, self.precision = by, precision

    @property
    def info(self) -> ModelInfo:
        taught = (self.by,) if self.by else ()
        return ModelInfo(trained_against=taught, precision=self.precision, fingerprint=fingerprint(self.by))

    def animate(self, portraits: Tensor, target_aus: Tensor) -> Tensor:
        return portraits


class L1:
    """Per-sample mean absolute difference to the target."""

    info = MetricInfo((Summary("toy-l1", "lower", low=0.0, high=1.0),), needs=frozenset({"target"}))

    def __init__(self, *, label: str = "") -> None:
        self.label = label

    def measure(self, generated: Tensor, batch: Batch, evaluations: Evaluations) -> Sequence[Measured]:
        assert batch.target is not None
        CALLS["toy-l1"] += 1
        return [Measured("toy-l1", (generated.double() - batch.target.double()).abs().flatten(1).mean(1))]


class SourceL1:
    """Per-sample mean absolute difference to the source: needs nothing."""

    info = MetricInfo(
        (
            Summary("toy-source-l1", "none", reducer="mean"),
            Summary("toy-source-l1.median", "none", reducer="median", inputs=("toy-source-l1",)),
        )
    )

    def measure(self, generated: Tensor, batch: Batch, evaluations: Evaluations) -> Sequence[Measured]:
        return [
            Measured("toy-source-l1", (generated.double() - batch.source.double()).abs().flatten(1).mean(1))
        ]


class MaskNeeded:
    info = MetricInfo((Summary("toy-mask", "none"),), needs=frozenset({"face_mask"}))

    def measure(self, generated: Tensor, batch: Batch, evaluations: Evaluations) -> Sequence[Measured]:
        assert batch.face_mask is not None
        return [Measured("toy-mask", batch.face_mask.flatten(1).mean(1))]


class AUError:
    """One column per AU, from a shared estimator."""

    def __init__(self, *, estimator: str = "toy-estimator", prefix: str = "toy-au") -> None:
        self.estimator, self.prefix = estimator, prefix

    @property
    def info(self) -> MetricInfo:
        inputs = (f"{self.prefix}.measured", f"{self.prefix}.requested")
        return MetricInfo(
            (
                Summary(f"{self.prefix}.mae", "lower", reducer="mae", inputs=inputs, per_au=True),
                Summary(f"{self.prefix}.pcc", "higher", reducer="pcc", inputs=inputs, per_au=True),
            ),
            roles=(RoleRequest("au_estimator", self.estimator),),
        )

    def measure(self, generated: Tensor, batch: Batch, evaluations: Evaluations) -> Sequence[Measured]:
        features = evaluations.features("au_estimator", "generated")
        evaluations.features("au_estimator", "source")
        assert isinstance(features.values, Tensor)
        return [
            Measured(
                f"{self.prefix}.measured",
                features.values,
                AUS,
                features.missing,
                missing_aus=features.missing_aus,
            ),
            Measured(f"{self.prefix}.requested", batch.target_aus, AUS),
        ]


class Raising:
    """Fails on the batch with one sample."""

    info = MetricInfo((Summary("toy-raising", "lower"),))

    def __init__(self, *, at: str = "test-005") -> None:
        self.at = at

    def measure(self, generated: Tensor, batch: Batch, evaluations: Evaluations) -> Sequence[Measured]:
        if self.at in batch.sample_id:
            raise ZeroDivisionError("nothing to divide by")
        return [Measured("toy-raising", torch.zeros(len(batch)))]


class NoWeights:
    info = MetricInfo((Summary("toy-no-weights", "lower"),))

    def measure(self, generated: Tensor, batch: Batch, evaluations: Evaluations) -> Sequence[Measured]:
        raise Unavailable("the weights toy.pth are missing: get them by post")


class Partial:
    """Has no value for some samples: one with a reason, one without."""

    info = MetricInfo((Summary("toy-partial", "lower"),))

    def measure(self, generated: Tensor, batch: Batch, evaluations: Evaluations) -> Sequence[Measured]:
        values = [float("nan") if name in ("test-002", "test-003") else 1.0 for name in batch.sample_id]
        missing = {i: "no face found" for i, name in enumerate(batch.sample_id) if name == "test-002"}
        return [Measured("toy-partial", values, missing=missing)]


class Contract:
    """Breaks the contract of ``Measured`` in a chosen way."""

    info = MetricInfo((Summary("toy-contract", "lower"), Summary("toy-contract.other", "lower")))

    def __init__(self, *, how: str = "forgets") -> None:
        self.how = how
        if how == "needs":
            self.info = MetricInfo((Summary("toy-contract", "lower"),), needs=frozenset({"unknown_input"}))

    def measure(self, generated: Tensor, batch: Batch, evaluations: Evaluations) -> Any:
        good = Measured("toy-contract", torch.zeros(len(batch)))
        other = Measured("toy-contract.other", torch.zeros(len(batch)))
        table = torch.zeros(len(batch), 3)
        return {
            "forgets": [good],
            "none": None,
            "short": [Measured("toy-contract", torch.zeros(len(batch) + 1)), other],
            "scalar": [Measured("toy-contract", torch.zeros(())), other],
            "wide": [Measured("toy-contract", table), other],
            "labels": [Measured("toy-contract", table, ("AU01",)), other],
            "few-labels": [Measured("toy-contract", good.values, au_of=("AU01",)), other],
            "two-labels": [Measured("toy-contract", table, AUS[:3], au_of=("AU01",) * len(batch)), other],
            "role": [Measured("toy-contract", evaluations.features("identity_encoder", "source").values)]
            if self.how == "role"
            else [],
        }[self.how]


class EightBit:
    """The largest distance of any image value from a multiple of 1/255, and from [0, 1]."""

    info = MetricInfo((Summary("toy-eightbit", "lower"),), needs=frozenset({"target"}))

    def measure(self, generated: Tensor, batch: Batch, evaluations: Evaluations) -> Sequence[Measured]:
        worst = torch.zeros(len(batch))
        for images in (generated, batch.source, batch.target):
            assert images is not None
            assert images.dtype == torch.float32
            levels = images.mul(255).round().clamp(0, 255)
            worst = torch.maximum(worst, (images - levels / torch.tensor(255.0)).abs().flatten(1).amax(1))
        return [Measured("toy-eightbit", worst)]


class InPlaceMetric:
    """Modifies its inputs in place."""

    info = MetricInfo((Summary("toy-in-place", "lower"),))

    def measure(self, generated: Tensor, batch: Batch, evaluations: Evaluations) -> Sequence[Measured]:
        for images in (generated, batch.source, batch.target, batch.face_mask, batch.target_aus):
            if images is not None:
                images.zero_()
        return [Measured("toy-in-place", torch.zeros(len(batch)))]


class Corpus:
    """The mean of an error over all samples; it may lack samples or fail."""

    def __init__(self, *, least: int = 1, fails: str = "") -> None:
        self.least, self.fails = least, fails
        self.info = MetricInfo(
            (Summary("toy-corpus", "lower", reducer=CORPUS),), needs=frozenset({"target"}), tolerance=1e-6
        )

    def update(self, generated: Tensor, batch: Batch, evaluations: Evaluations) -> CorpusFeatures:
        if self.fails == "update":
            raise RuntimeError("no update")
        assert batch.target is not None
        return CorpusFeatures({"error": (generated - batch.target).abs().flatten(1)})

    def compute(self, features: Mapping[str, Any], weights: Any) -> Sequence[float]:
        if self.fails == "compute":
            raise RuntimeError("no compute")
        if len(features["error"]) < self.least:
            raise Unavailable(f"needs at least {self.least} images")
        return (weights @ features["error"].mean(1, dtype=float) / weights.sum(1)).tolist()


class System:
    """Three repeats."""

    info = MetricInfo((Summary("toy-system", "higher", "images/s", reducer="median"),), deterministic=False)

    def __init__(self, *, fails: bool = False) -> None:
        self.fails = fails

    def measure_system(self, system: SystemUnderTest) -> Sequence[Measured]:
        CALLS["toy-system"] += 1
        if self.fails:
            raise RuntimeError("no clock")
        system.animate(system.portraits, system.target_aus)
        return [Measured("toy-system", [1.0, 2.0, 6.0])]


class Estimator:
    """Seventeen numbers per image.

    Args:
        valid: with names of AUs, it is valid in the domain ``photo`` as well, for these AUs.
    """

    def __init__(self, *, domain: str = "synthetic", weights: bool = True, valid: str = "") -> None:
        known = fingerprint("estimator", valid) if weights else NO_WEIGHTS
        domains, validation = frozenset({domain}), {}
        if valid:
            domains |= {"photo"}
            validation = {"photo": Validation("by the toy test", dict.fromkeys(valid.split("+"), 0.9))}
        self.info = EvaluatorInfo(known, domains, "openface17", validation=validation)

    def to(self, device: str) -> Estimator:
        return self

    def __call__(self, images: Tensor) -> Features:
        CALLS["estimate"] += 1
        values = images.double().flatten(1)[:, : len(AUS)].float().clone()
        images.zero_()
        return Features(values)


class BrokenEstimator(Estimator):
    def __init__(self, *, how: str = "call") -> None:
        super().__init__()
        self.how = how
        if how == "make":
            raise Unavailable("toy.pth is missing: get it by post")

    def to(self, device: str) -> Estimator:
        if self.how == "to":
            raise RuntimeError("no room on the device")
        return self

    def __call__(self, images: Tensor) -> Features:
        CALLS["broken"] += 1
        raise Unavailable("toy.pth is missing: get it by post")


@hookimpl
def gath_bench_models() -> list[ModelSpec]:
    models = {
        "toy-exact": Exact,
        "toy-copy": Copy,
        "toy-edit": Edit,
        "toy-noise": Noise,
        "toy-failing": Failing,
        "toy-shape": Shape,
        "toy-nan": NotANumber,
        "toy-gaps": Gaps,
        "toy-small": Small,
        "toy-all-needs": AllNeeds,
        "toy-no-needs": NoNeeds,
        "toy-unknown-need": UnknownNeed,
        "toy-in-place": InPlace,
        "toy-no-device": NoDevice,
        "toy-no-init": NoInit,
        "toy-labelled": Labelled,
        "toy-trained-against": TrainedAgainst,
    }
    return [ModelSpec(name, model, "a toy") for name, model in models.items()]


@hookimpl
def gath_bench_datasets() -> list[DatasetSpec]:
    return [DatasetSpec("toy", ToyDataset, "a toy")]


@hookimpl
def gath_bench_metrics() -> list[MetricSpec]:
    metrics = {
        "toy-l1": L1,
        "toy-source-l1": SourceL1,
        "toy-mask": MaskNeeded,
        "toy-au": AUError,
        "toy-raising": Raising,
        "toy-no-weights": NoWeights,
        "toy-partial": Partial,
        "toy-contract": Contract,
        "toy-eightbit": EightBit,
        "toy-in-place": InPlaceMetric,
        "toy-corpus": Corpus,
        "toy-system": System,
    }
    return [MetricSpec(name, metric, "a toy") for name, metric in metrics.items()]


@hookimpl
def gath_bench_au_estimators() -> list[AUEstimatorSpec]:
    return [
        AUEstimatorSpec("toy-estimator", Estimator, "a toy"),
        AUEstimatorSpec("toy-broken-estimator", BrokenEstimator, "a toy"),
    ]


@hookimpl
def gath_bench_run_started(run: RunInfo) -> None:
    HOOK_CALLS.append("started")


@hookimpl
def gath_bench_cell_finished(run: RunInfo, cell: CellResult) -> None:
    HOOK_CALLS.append(f"{cell.cell_id} {cell.status}")


@hookimpl
def gath_bench_run_finished(run: RunInfo) -> None:
    HOOK_CALLS.append("finished")
