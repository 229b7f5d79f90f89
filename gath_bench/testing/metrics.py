"""Checks of metrics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from gath_bench.contracts.batch import Batch
from gath_bench.contracts.evaluator import Features, Role
from gath_bench.contracts.metric import CorpusMetric, Metric, MetricInfo, Side, Summary, SystemMetric
from gath_bench.contracts.model import ModelInfo
from gath_bench.engine.outputs import checked_corpus_features, checked_measured, value_table
from gath_bench.engine.scoring import observation_names
from gath_bench.errors import Unavailable
from gath_bench.evaluators import FeatureCache
from gath_bench.registry import Component
from gath_bench.suite.checks import check_info
from gath_bench.testing.findings import DECLARATION, Check, Violation, require
from gath_bench.testing.samples import Bench, Samples, blur, milliseconds, noise

if TYPE_CHECKING:
    from torch import Tensor

#: The number of samples per degradation.
_DEGRADED = 24
_OPTIONAL = ("target", "face_mask", "source_aus")
#: Observation -> one list of values per sample.
Table = dict[str, list[list[float]]]


class MetricChecks:
    """The checks of one metric."""

    def __init__(self, metric: Component, bench: Bench) -> None:
        self.metric, self.bench = metric, bench

    def __iter__(self) -> Iterator[Check]:
        yield Check(DECLARATION, self.declaration)
        if isinstance(self.metric.instance, SystemMetric):
            yield Check("values", self.system_values)
            return
        yield Check("shapes", self.shapes)
        if isinstance(self.metric.instance, Metric):
            yield Check("ranges", self.ranges)
        yield Check("determinism", self.determinism)
        yield Check("batch invariance", self.batch_invariance)
        yield Check("NA behaviour", self.missing_inputs)
        yield Check("direction", self.direction)
        yield Check("speed", self.speed)

    def declaration(self) -> None:
        """``info`` has the documented types, and summaries of reducers that exist."""
        check_info(str(self.metric.name), "metric", self.metric)
        for name in sorted(self.info.needs - {*vars(_empty_batch())}):
            require(False, f"info.needs has {name!r}, which is not a field of Batch")

    def shapes(self) -> str:
        """One value per sample, or one per sample and AU, for every declared observation."""
        self._measure(self.generated, self.samples.batch)
        return f"{len(self.samples)} samples of {self.samples.dataset.name}"

    def ranges(self) -> None:
        """Observations lie in the declared range of a summary that is their mean."""
        import math

        table = self._measure(self.generated, self.samples.batch)
        for summary in self.info.summaries:
            if summary.reducer != "mean":
                continue
            values = [v for row in table[summary.inputs[0]] for v in row if not math.isnan(v)]
            low = -math.inf if summary.low is None else summary.low - self.info.tolerance
            high = math.inf if summary.high is None else summary.high + self.info.tolerance
            for value in values:
                require(
                    low <= value <= high,
                    f"{summary.name} is declared in [{summary.low}, {summary.high}], but a sample has {value:.6g}",
                )

    def determinism(self) -> None:
        """Two measurements differ by no more than the tolerance."""
        if not self.info.deterministic:
            raise Unavailable("declared as not deterministic")
        one, two = (self._measure(self.generated, self.samples.batch) for _ in range(2))
        self._require_close(one, two, "two measurements of the same images differ")

    def batch_invariance(self) -> None:
        """The value of a sample does not depend on the other samples."""
        whole = self._measure(self.generated, self.samples.batch)
        for position in range(len(self.samples)):
            alone = self._measure(
                self.generated[position : position + 1], self.samples.batch.select([position])
            )
            part = {name: rows[position : position + 1] for name, rows in whole.items()}
            self._require_close(alone, part, f"sample {position} has another value in a batch of 1")

    def missing_inputs(self) -> str | None:
        """What a batch or an evaluator does not have is ``Unavailable`` or a missing value, not an exception."""
        import torch

        found = []
        batch = self.samples.batch
        self._measure(self.generated, batch)
        for field in _OPTIONAL:
            if field not in self.info.needs and getattr(batch, field) is not None:
                found += self._gap(
                    f"without {field}", replace(batch, **cast("dict[str, Any]", {field: None}))
                )
        unknown = torch.full_like(batch.target_aus, float("nan"))
        found += self._gap("with unknown target AUs", replace(batch, target_aus=unknown))
        if self.info.roles:
            found += self._gap("without its evaluators", batch, _NoEvaluations())
        return "; ".join(found)

    def direction(self) -> str:
        """Degraded target images have worse values than the target images themselves."""
        directed = [one for one in self.info.summaries if one.direction != "none"]
        if not directed:
            raise Unavailable("no value has a direction")
        self._measure(self.generated, self.samples.batch)
        values = self._values_of_degradations()
        notes, judged = [], 0
        for summary in directed:
            exact = values.get((_EXACT, summary.name))
            degraded = {name: values.get((name, summary.name)) for name in _DEGRADATIONS}
            known = {name: value for name, value in degraded.items() if value is not None}
            if exact is None or not known:
                continue
            judged += 1
            sign = 1 if summary.direction == "higher" else -1
            worse = {name for name, value in known.items() if sign * (value - exact) < 0}
            listed = ", ".join(f"{name} {value:.4g}" for name, value in known.items())
            require(
                worse,
                f"{summary.name} is declared '{summary.direction}' is better, but no degraded image is worse than the "
                f"target image, which has {exact:.4g}: {listed}",
            )
            if better := sorted(set(known) - worse):
                notes.append(f"{summary.name} is not worse for {', '.join(better)}")
        if not judged:
            raise Unavailable("no value on degraded target images")
        return "; ".join(notes)

    def system_values(self) -> str:
        """A model that returns its portraits has values in the declared ranges."""
        values = self._evaluate([_Unchanged()], limit=2)
        shown = []
        for summary in self.info.summaries:
            value = values.get((_Unchanged.name, summary.name))
            if value is not None:
                _require_in_range(summary, value, self.info.tolerance)
                shown.append(f"{summary.name} {value:.4g}")
        if not shown:
            raise Unavailable("no value here")
        return ", ".join(shown)

    def speed(self) -> str:
        """The time of a measurement; that of the evaluators is included."""
        batch, generated = self.samples.batch, self.generated
        return milliseconds(lambda: self._measure(generated, batch), len(self.samples), self.bench.device)

    @property
    def info(self) -> MetricInfo:
        """What the metric declares."""
        info: MetricInfo = self.metric.info
        return info

    @cached_property
    def samples(self) -> Samples:
        """Samples under a protocol that the metric is defined for."""
        return self.bench.samples(protocols=self.info.protocols)

    @cached_property
    def generated(self) -> Tensor:
        """Images that are neither the source nor the target."""
        batch = self.samples.batch
        return blur(batch.source if batch.target is None else batch.target, 1.0)

    def _measure(self, generated: Tensor, batch: Batch, evaluations: Any = None) -> Table:
        """The values of a batch, as the engine reads them; at missing positions NaN."""
        for need in sorted(self.info.needs):
            if getattr(batch, need) is None:
                raise Unavailable(f"{self.samples.dataset.name} has no {need}")
        if evaluations is None:
            images: dict[Side, Tensor | None] = {
                "generated": generated,
                "source": batch.source,
                "target": batch.target,
            }
            domain = self.samples.dataset.info.domain
            cache = FeatureCache(self.bench.pool(), images, domain, self.bench.framing(self.samples))
            evaluations = cache.view(self.info.roles)
        inputs = generated.clone(), batch.select(range(len(batch))), evaluations
        metric = self.metric.instance
        if isinstance(metric, CorpusMetric):
            found = checked_corpus_features(metric.update(*inputs), len(batch))
            return {name: values.tolist() for name, values in found.values.items()}
        table: Table = {}
        for result in checked_measured(metric.measure(*inputs), observation_names(self.info)):
            rows = value_table(result, len(batch))
            for position in result.missing:
                rows[position] = [float("nan")] * len(rows[position])
            table[result.name] = rows
        return table

    def _require_close(self, one: Table, two: Table, sentence: str) -> None:
        import numpy as np

        for name, rows in one.items():
            a, b = np.array(rows), np.array(two.get(name, []))
            if a.shape == b.shape and np.allclose(a, b, rtol=1e-6, atol=self.info.tolerance, equal_nan=True):
                continue
            largest = np.nanmax(np.abs(a - b)) if a.shape == b.shape and a.size else float("nan")
            raise Violation(
                f"{sentence}: {name} by up to {largest:.3g}, more than the tolerance {self.info.tolerance:g}"
            )

    def _gap(self, what: str, batch: Batch, evaluations: Any = None) -> list[str]:
        """Measure a batch that lacks something."""
        try:
            self._measure(self.generated, batch, evaluations)
        except Unavailable as reason:
            return [f"{what}: NA, {reason}"]
        except Exception as error:
            raise Violation(
                f"{what}, it must raise Unavailable or return values: got {type(error).__name__}: {error}"
            ) from error
        return []

    def _values_of_degradations(self) -> Mapping[tuple[str, str], float]:
        return self._evaluate([_Degraded(name) for name in (_EXACT, *_DEGRADATIONS)], limit=_DEGRADED)

    def _evaluate(self, models: list[Any], limit: int) -> Mapping[tuple[str, str], float]:
        """(model, summary) -> value, measured as by ``gath-bench run``."""
        from gath_bench.analysis import summarise
        from gath_bench.evaluation.run import evaluate

        results = evaluate(
            models=models,
            datasets=[str(self.samples.dataset.name)],
            metrics=[self.metric.instance],
            protocols=[self.samples.protocol],
            split=self.samples.split,
            suite="quick",
            limit=limit,
            device=self.bench.device,
            images=False,
            references=False,
            plugins=self.bench.plugins,
        )
        run = results.runs[0]
        rows = summarise(run.manifest, run.observations)
        failed = next((row.reason for row in rows if row.status == "failed"), None)
        require(failed is None, f"a measurement failed: {failed}")
        return {
            (row.model, row.metric): row.value for row in rows if row.au is None and row.value is not None
        }


#: The model that returns the target image, and those that return it degraded.
_EXACT = "target"
_DEGRADATIONS = ("blur", "noise", "other-sample")


class _Degraded:
    """A model that returns the target images, degraded."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.info = ModelInfo(fingerprint="", needs=frozenset({"target"}), timed=False)

    def to(self, device: str) -> _Degraded:
        return self

    def animate(self, portraits: Tensor, target_aus: Tensor, *, target: Tensor) -> Tensor:
        if self.name == "blur":
            return blur(target)
        if self.name == "noise":
            return noise(target)
        return target.roll(1, 0).flip(3) if self.name == "other-sample" else target


class _Unchanged:
    """A model that returns its portraits."""

    name = "unchanged"
    info = ModelInfo()

    def to(self, device: str) -> _Unchanged:
        return self

    def animate(self, portraits: Tensor, target_aus: Tensor) -> Tensor:
        return portraits


class _NoEvaluations:
    """Evaluators that are not installed."""

    reason = "the evaluator is not installed"

    def features(self, role: Role, side: Side) -> Features:
        raise Unavailable(self.reason)

    def au_space(self, role: Role = "au_estimator") -> str:
        raise Unavailable(self.reason)

    def calibration(self, role: Role) -> Mapping[str, float]:
        raise Unavailable(self.reason)


def _require_in_range(summary: Summary, value: float, tolerance: float) -> None:
    low_ok = summary.low is None or value >= summary.low - tolerance
    high_ok = summary.high is None or value <= summary.high + tolerance
    require(
        low_ok and high_ok,
        f"{summary.name} is declared in [{summary.low}, {summary.high}], but is {value:.6g}",
    )


def _empty_batch() -> Batch:
    return Batch((), (), cast("Tensor", None), cast("Tensor", None), "")
