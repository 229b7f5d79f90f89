"""Metrics -> observations. A missing value is an observation with its reason; nothing is dropped."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gath_bench.component_calls import component_call
from gath_bench.contracts.batch import Batch, Unreadable
from gath_bench.contracts.metric import (
    CORPUS,
    CorpusFeatures,
    Measured,
    MetricInfo,
    SystemUnderTest,
    counted_name,
)
from gath_bench.engine.outputs import checked_corpus_features, checked_measured, checked_missing, value_table
from gath_bench.errors import Unavailable, describe_error, plain_text
from gath_bench.evaluators import FeatureCache
from gath_bench.registry import Component
from gath_bench.results.observations import Observations, Status

if TYPE_CHECKING:
    import torch

_MISSING_NEEDS = {"target": "no target image", "face_mask": "no face mask", "source_aus": "no source AUs"}


def status_of(error: Exception) -> Status:
    """``"na"`` for ``Unavailable``, ``"failed"`` for any other exception."""
    return "na" if isinstance(error, Unavailable) else "failed"


@dataclass(frozen=True)
class BatchScorer:
    """Measures metrics on one batch of one cell and appends the observations to a table.

    Attributes:
        observations: the table to append to.
        cell: the cell id.
        batch: the number of the batch.
    """

    observations: Observations
    cell: str
    batch: int

    def score(self, metric: Component, batch: Batch, generated: torch.Tensor, features: FeatureCache) -> None:
        """One metric on a batch of images, float32 (B, 3, H, W), multiples of 1/255.

        The metric gets copies, so that one that works in place changes nothing for the next.
        """
        start = len(self.observations)
        try:
            info: MetricInfo = metric.info
            for need in sorted(info.needs):
                if getattr(batch, need) is None:
                    raise Unavailable(_MISSING_NEEDS.get(need, f"no {need}"))
            with component_call(metric.label):
                results = checked_measured(
                    metric.instance.measure(generated.clone(), _copied(batch), features.view(info.roles)),
                    observation_names(info),
                )
            for result in results:
                self._add(metric, batch.sample_id, batch.subject, result)
        except Exception as error:
            self.observations.truncate(start)
            self.add_batch_error([metric], batch, error)

    def collect(
        self,
        metric: Component,
        batch: Batch,
        generated: torch.Tensor,
        features: FeatureCache,
        check: Callable[[CorpusFeatures], None],
    ) -> CorpusFeatures | None:
        """The features of a corpus metric (None without any), and an observation per sample: 1 if it counts, or NA.

        ``check`` raises on features that do not fit those of other batches.
        """
        try:
            info: MetricInfo = metric.info
            for need in sorted(info.needs):
                if getattr(batch, need) is None:
                    raise Unavailable(_MISSING_NEEDS.get(need, f"no {need}"))
            with component_call(metric.label):
                found = checked_corpus_features(
                    metric.instance.update(generated.clone(), _copied(batch), features.view(info.roles)),
                    len(batch),
                )
            check(found)
        except Exception as error:
            self.add_batch_error([metric], batch, error)
            return None
        missing = dict(found.missing)
        for values in found.values.values():
            for position in (~values.isfinite().all(1)).nonzero().flatten().tolist():
                missing.setdefault(position, "the features contain NaN or Inf")
        for name in observation_names(info):
            self._add(
                metric, batch.sample_id, batch.subject, Measured(name, [1.0] * len(batch), missing=missing)
            )
        return CorpusFeatures(found.values, missing)

    def score_system(self, metric: Component, system: Callable[[], SystemUnderTest]) -> None:
        """A system metric: one observation per repeat. Repeats are independent, so each is its own subject."""
        start = len(self.observations)
        try:
            with component_call(metric.label):
                results = checked_measured(
                    metric.instance.measure_system(system()), observation_names(metric.info)
                )
            for result in results:
                names = [f"repeat-{number:04d}" for number in range(len(result.values))]
                self._add(metric, names, names, result, remark=plain_text(result.remark) or None)
        except Exception as error:
            self.observations.truncate(start)
            whole = Unreadable("repeat-0000", "repeat-0000", describe_error(error))
            self.add_missing([metric], [whole], status_of(error))

    def add_batch_error(self, metrics: Sequence[Component], batch: Batch, error: Exception) -> None:
        """Record that metrics have no value on a whole batch, with the reason."""
        reason = describe_error(error)
        samples = [Unreadable(*names, reason) for names in zip(batch.sample_id, batch.subject, strict=True)]
        self.add_missing(metrics, samples, status_of(error))

    def add_missing(
        self, metrics: Sequence[Component], samples: Sequence[Unreadable], status: Status, first: int = 0
    ) -> None:
        """Record samples without an image, from position ``first`` on."""
        for metric in metrics:
            for observation in observation_names(metric.info):
                for position, sample in enumerate(samples, start=first):
                    self.observations.add(
                        cell=self.cell,
                        batch=self.batch,
                        position=position,
                        sample_id=sample.sample_id,
                        subject=sample.subject,
                        metric=str(metric.name),
                        observation=observation,
                        status=status,
                        reason=plain_text(sample.reason),
                    )

    def _add(
        self,
        metric: Component,
        sample_ids: Sequence[str],
        subjects: Sequence[str],
        result: Measured,
        remark: str | None = None,
    ) -> None:
        """Append one observation: one entry per sample, or per sample and AU; entries with a value have the remark."""
        table = value_table(result, len(sample_ids))
        missing = checked_missing(result.missing, len(table))
        aus = _aus_per_sample(result, len(table))
        not_finite = "AU not covered" if result.aus or result.au_of else "not a number"
        for position, (sample_id, subject, values) in enumerate(
            zip(sample_ids, subjects, table, strict=True)
        ):
            for au, value in zip(aus[position], values, strict=True):
                reason = missing.get(position)
                if reason is None and not math.isfinite(value):
                    reason = not_finite if au is None else result.missing_aus.get(au, not_finite)
                self.observations.add(
                    cell=self.cell,
                    batch=self.batch,
                    position=position,
                    sample_id=sample_id,
                    subject=subject,
                    metric=str(metric.name),
                    observation=result.name,
                    au=au,
                    value=value if reason is None else None,
                    status="ok" if reason is None else "na",
                    reason=reason or remark,
                )


def observation_names(info: MetricInfo) -> list[str]:
    """The names of a metric's observations per sample, in order; of a corpus metric, which samples count."""
    return list(
        dict.fromkeys(
            name
            for summary in info.summaries
            for name in ([counted_name(summary.name)] if summary.reducer == CORPUS else summary.inputs)
        )
    )


def _copied(batch: Batch) -> Batch:
    tensors = {name: value.clone() for name, value in vars(batch).items() if hasattr(value, "clone")}
    return replace(batch, **tensors)


def _aus_per_sample(result: Measured, count: int) -> list[tuple[str | None, ...]]:
    """For each sample the AUs of its values; None for a value without an AU."""
    labels = result.aus or result.au_of or ()
    if not all(isinstance(label, str) and label.isprintable() for label in labels):
        raise TypeError(f"{result.name} has an AU label that is not a string")
    if result.aus is not None and len(set(result.aus)) < len(result.aus):
        raise ValueError(f"{result.name} has an AU label twice: {', '.join(result.aus)}")
    if result.au_of is None:
        return [result.aus or (None,)] * count
    if result.aus is not None:
        raise ValueError(f"{result.name} has both aus and au_of: give AU columns, or one AU per sample")
    if len(result.au_of) != count:
        raise ValueError(f"{result.name} names {len(result.au_of)} AUs for {count} samples")
    return [(au,) for au in result.au_of]
