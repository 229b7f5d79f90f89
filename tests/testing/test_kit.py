"""The conformance kit: correct components pass, and each way to break a contract fails the check of that name."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor
from toy import toy_plugin
from toy.running import toys

from gath_bench import Unavailable, UsageError, testing
from gath_bench.contracts import (
    Batch,
    EvaluatorInfo,
    Face,
    FaceDetectorInfo,
    Features,
    Kind,
    Measured,
    MetricInfo,
    ModelInfo,
    Sample,
    Summary,
    fingerprint,
)
from gath_bench.registry import Registry
from gath_bench.testing.api import _CHECKS, _SPECS
from gath_bench.testing.findings import Finding, run_checks
from gath_bench.testing.samples import Bench


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    """The toys, on one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    plugins = toys()
    yield Bench(plugins, Registry.of(plugins), "toy")
    torch.set_num_threads(threads)


def component(kind: Kind, instance: Any) -> Any:
    from gath_bench.contracts.keys import ComponentName
    from gath_bench.registry import Component

    return Component(_SPECS[kind]("mine", type(instance), "an instance"), ComponentName("mine"), {}, instance)


def one(bench: Bench, kind: Kind, instance: Any, name: str) -> Finding:
    """The finding of one check, without the others."""
    checks = [check for check in _CHECKS[kind](component(kind, instance), bench) if check.name == name]
    (finding,) = run_checks(checks)
    return finding


def all_but_speed(bench: Bench, kind: Kind, instance: Any) -> list[Finding]:
    checks = _CHECKS[kind](component(kind, instance), bench)
    return run_checks(check for check in checks if check.name != "speed")


class Model:
    """Brightens a portrait; ``change`` breaks it."""

    info = ModelInfo(au_space="openface17")

    def __init__(self, change: Callable[[Tensor, Tensor], Any] = lambda images, aus: images) -> None:
        self.change = change

    def to(self, device: str) -> Model:
        return self

    def animate(self, portraits: Tensor, target_aus: Tensor) -> Any:
        bright = (portraits * (1 + 0.1 * target_aus[:, :1, None, None])).clamp(0, 1)
        return self.change(bright, target_aus)


_OWN_NUMBERS = torch.Generator().manual_seed(1)
MODELS: dict[str, tuple[str, Callable[[Tensor, Tensor], Any], str]] = {
    "fewer": ("shapes and ranges", lambda x, a: x[1:], "must return (6, 3, H, W)"),
    "range": ("shapes and ranges", lambda x, a: 2 * x - 1, "images in [0, 1]"),
    "nan": ("shapes and ranges", lambda x, a: x * float("nan"), "NaN or Inf"),
    "own generator": (
        "determinism",
        lambda x, a: x * torch.rand(1, generator=_OWN_NUMBERS),
        "two calls with equal inputs and seeds differ",
    ),
    "batch statistics": (
        "batch invariance",
        lambda x, a: x - x.mean() + 0.5,
        "may not depend on the other samples",
    ),
    "overflow": ("target AUs", lambda x, a: x / (1 - a.amin()), "from inf to inf"),
    "grey": ("NA behaviour", lambda x, a: 1 // int(x.std() > 0.01) * x, "ZeroDivisionError"),
}


@pytest.mark.parametrize("broken", MODELS)
def test_a_broken_model_fails_one_check(bench: Bench, broken: str) -> None:
    check, change, words = MODELS[broken]
    finding = one(bench, "model", Model(change), check)
    assert finding.status == "failed"
    assert words in finding.message


def test_correct_components_pass(bench: Bench) -> None:
    for kind, instance in (
        ("model", Model()),
        ("metric", Metric()),
        ("dataset", Dataset()),
        ("au_estimator", Estimator()),
        ("face_detector", Detector()),
    ):
        findings = all_but_speed(bench, kind, instance)  # type: ignore[arg-type]
        assert {finding.status for finding in findings} == {"ok"}, (kind, findings)


def test_a_baseline_is_told_that_it_ignores_the_target(bench: Bench) -> None:
    finding = one(bench, "model", toy_plugin.Copy(), "target AUs")
    assert finding == Finding("target AUs", "ok", "the images do not depend on the target AUs")


class Metric:
    """Mean absolute difference from the target; ``change`` breaks it."""

    def __init__(
        self,
        change: Callable[[Tensor, Batch], Any] = lambda values, batch: values,
        direction: Any = "lower",
        tolerance: float = 1e-5,
    ) -> None:
        self.change = change
        self.info = MetricInfo(
            (Summary("distance", direction, low=0, high=1),), frozenset({"target"}), tolerance=tolerance
        )

    def measure(self, generated: Tensor, batch: Batch, evaluations: Any) -> list[Measured]:
        assert batch.target is not None
        return [Measured("distance", self.change((generated - batch.target).abs().mean((1, 2, 3)), batch))]


METRICS: dict[str, tuple[str, Callable[[], Metric], str]] = {
    "fewer": (
        "shapes",
        lambda: Metric(lambda v, b: v[1:]),
        "measure() must return one value per sample: got 5 for 6 samples",
    ),
    "range": (
        "ranges",
        lambda: Metric(lambda v, b: v + 1),
        "distance is declared in [0, 1], but a sample has 1.",
    ),
    "own generator": (
        "determinism",
        lambda: Metric(lambda v, b: v + torch.rand(1, generator=_OWN_NUMBERS)),
        "two measurements of the same images differ: distance by up to",
    ),
    "batch statistics": (
        "batch invariance",
        lambda: Metric(lambda v, b: v / v.amax()),
        "sample 0 has another value in a batch of 1",
    ),
    "needs a mask": (
        "NA behaviour",
        lambda: Metric(lambda v, b: v * b.face_mask.mean()),  # type: ignore[union-attr]
        "without face_mask, it must raise Unavailable or return values: got AttributeError",
    ),
    "unknown AUs": (
        "NA behaviour",
        lambda: Metric(lambda v, b: v * (1 // int(b.target_aus.nansum() > 0))),
        "with unknown target AUs, it must raise Unavailable or return values: got ZeroDivisionError",
    ),
    "other direction": (
        "direction",
        lambda: Metric(direction="higher"),
        "distance is declared 'higher' is better, but no degraded image is worse than the target image, which has 0",
    ),
}


@pytest.mark.parametrize("broken", METRICS)
def test_a_broken_metric_fails_one_check(bench: Bench, broken: str) -> None:
    check, make, words = METRICS[broken]
    finding = one(bench, "metric", make(), check)
    assert finding.status == "failed"
    assert words in finding.message


def test_the_tolerance_of_a_metric_counts(bench: Bench) -> None:
    noisy = Metric(lambda v, b: v + 1e-3 * torch.rand(1, generator=_OWN_NUMBERS), tolerance=2e-3)
    assert one(bench, "metric", noisy, "determinism").status == "ok"


def test_an_unavailable_metric_is_skipped_with_its_reason(bench: Bench) -> None:
    def refuse(values: Tensor, batch: Batch) -> Tensor:
        raise Unavailable("no such weights")

    for name in ("shapes", "NA behaviour", "direction"):
        assert one(bench, "metric", Metric(refuse), name) == Finding(name, "skipped", "no such weights")


class Dataset(toy_plugin.ToyDataset):
    """The toy data set with subjects of one split each and refusals; ``change`` breaks its batches."""

    def __init__(self, change: Callable[[Batch], Any] = lambda batch: batch, shared: bool = False) -> None:
        super().__init__()
        self.change, self.shared = change, shared

    def samples(self, split: str, protocol: str, seed: int) -> Sequence[toy_plugin.ToySample]:
        if split not in self.info.splits or protocol not in self.info.protocols:
            raise UsageError(f"there is no {split} or {protocol}.")
        return [
            toy_plugin.ToySample(
                sample.sample_id,
                sample.subject if self.shared else f"{split}-{sample.subject}",
                sample.number,
                sample.swept,
            )
            for sample in super().samples(split, protocol, seed)
        ]

    def load(self, samples: Sequence[Any]) -> Batch:
        return self.change(super().load(samples))  # type: ignore[no-any-return]


class Unsorted(Dataset):
    calls = itertools.count()

    def samples(self, split: str, protocol: str, seed: int) -> Sequence[toy_plugin.ToySample]:
        listed = list(super().samples(split, protocol, seed))
        return listed[::-1] if next(self.calls) % 2 else listed


class Accepting(Dataset):
    def samples(self, split: str, protocol: str, seed: int) -> Sequence[Any]:
        return [Sample("a", split)]


def _with_source(change: Callable[[Tensor], Tensor]) -> Callable[[Batch], Batch]:
    from dataclasses import replace

    return lambda batch: replace(batch, source=change(batch.source))


DATASETS: dict[str, tuple[str, Callable[[], Dataset], str]] = {
    "order": ("sample lists", Unsorted, "two calls of samples() list other samples"),
    "size": (
        "shapes and ranges",
        lambda: Dataset(_with_source(lambda x: x[..., ::2])),
        "source must have the shape",
    ),
    "random": (
        "determinism",
        lambda: Dataset(_with_source(lambda x: x * torch.rand(1))),
        "load() draws from torch's global random generator",
    ),
    "own generator": (
        "determinism",
        lambda: Dataset(_with_source(lambda x: x * torch.rand(1, generator=_OWN_NUMBERS))),
        "source of sample test-000 differs between two calls of load()",
    ),
    "batch statistics": (
        "batch invariance",
        lambda: Dataset(_with_source(lambda x: x / x.amax())),
        "differs between two batches",
    ),
    "shared subjects": ("splits", lambda: Dataset(shared=True), "share the subject subject-0"),
    "unknown names": ("NA behaviour", Accepting, "samples() accepts 'no-such-split'"),
}


@pytest.mark.parametrize("broken", DATASETS)
def test_a_broken_data_set_fails_one_check(bench: Bench, broken: str) -> None:
    check, make, words = DATASETS[broken]
    finding = one(bench, "dataset", make(), check)
    assert finding.status == "failed"
    assert words in finding.message


class Estimator:
    """AUs from mean colours; ``change`` breaks it."""

    info = EvaluatorInfo(fingerprint("mine"), frozenset({"synthetic"}), au_space="openface17")

    def __init__(self, change: Callable[[Tensor], Any] = lambda aus: Features(aus)) -> None:
        self.change = change

    def to(self, device: str) -> Estimator:
        return self

    def __call__(self, images: Tensor) -> Any:
        return self.change(images.mean((1, 2, 3))[:, None].expand(-1, 17).clone())


ESTIMATORS: dict[str, tuple[str, Callable[[Tensor], Any], str]] = {
    "range": ("shapes and ranges", lambda aus: Features(5 * aus), "must be in [0, 1]"),
    "columns": ("shapes and ranges", lambda aus: Features(aus[:, :3]), "openface17 has 17 AUs, not 3"),
    "random": (
        "determinism",
        lambda aus: Features(aus * torch.rand(1, generator=_OWN_NUMBERS)),
        "two calls on equal images differ",
    ),
    "batch statistics": (
        "batch invariance",
        lambda aus: Features(aus / aus.amax()),
        "depend on the other images",
    ),
}


@pytest.mark.parametrize("broken", ESTIMATORS)
def test_a_broken_estimator_fails_one_check(bench: Bench, broken: str) -> None:
    check, change, words = ESTIMATORS[broken]
    finding = one(bench, "au_estimator", Estimator(change), check)
    assert finding.status == "failed"
    assert words in finding.message


def face(size: float) -> Face:
    return Face(0, 0, size, size, torch.full((68, 2), float("nan")), 0.5)


class Detector:
    """Finds two squares; ``change`` breaks it."""

    info = FaceDetectorInfo(fingerprint("mine"), frozenset({"synthetic"}), landmarks=())

    def __init__(self, change: Callable[[list[list[Face]]], Any] = lambda found: found) -> None:
        self.change = change

    def to(self, device: str) -> Detector:
        return self

    def detect(self, images: Sequence[Tensor]) -> Any:
        return self.change([[face(8), face(4)] for _ in images])


DETECTORS: dict[str, tuple[str, Callable[[list[list[Face]]], Any], str]] = {
    "fewer": ("shapes and ranges", lambda found: found[1:], "one list per image: got 5 for 6"),
    "unsorted": ("shapes and ranges", lambda found: [faces[::-1] for faces in found], "the largest first"),
    "batch": (
        "batch invariance",
        lambda found: [f[: len(found)] for f in found],
        "depend on the other images",
    ),
}


@pytest.mark.parametrize("broken", DETECTORS)
def test_a_broken_detector_fails_one_check(bench: Bench, broken: str) -> None:
    check, change, words = DETECTORS[broken]
    finding = one(bench, "face_detector", Detector(change), check)
    assert finding.status == "failed"
    assert words in finding.message


def test_a_wrong_declaration_skips_the_rest(bench: Bench) -> None:
    wrong = Model()
    wrong.info = ModelInfo(needs=frozenset({"targets"}))
    first, *others = all_but_speed(bench, "model", wrong)
    assert first.status == "failed"
    assert "did you mean target?" in first.message
    assert {finding.message for finding in others} == {"the declaration is wrong"}


def test_assert_conforms_names_the_failed_checks() -> None:
    with pytest.raises(
        AssertionError, match="the model Model breaks its contract:\nshapes and ranges: animate"
    ):
        testing.assert_conforms("model", Model(lambda x, a: x[1:]))
