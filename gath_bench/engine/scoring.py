"""Observations -> long rows. What cannot be had is a row with its reason; nothing is dropped."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gath_bench.contracts.batch import Batch, Unreadable
from gath_bench.contracts.metric import Measured, MetricInfo, SystemUnderTest
from gath_bench.engine.feature_cache import BatchEvaluations
from gath_bench.errors import Unavailable
from gath_bench.registry import Component
from gath_bench.results.observations import Rows, Status

if TYPE_CHECKING:
    import torch

_MISSING_NEEDS = {"target": "no target image", "face_mask": "no face mask", "source_aus": "no source AUs"}


@dataclass(frozen=True)
class BatchName:
    """Which batch of which cell: the first columns of its rows."""

    cell: str
    number: int


def explain(error: Exception) -> str:
    """An exception as the reason of a row."""
    return str(error) if isinstance(error, Unavailable) else f"{type(error).__name__}: {error}"


def observations(info: MetricInfo) -> list[str]:
    """The names of the observations that a metric's summaries are made of, in order."""
    return list(dict.fromkeys(name for summary in info.summaries for name in summary.inputs))


def grade(
    metric: Component,
    name: BatchName,
    batch: Batch,
    generated: torch.Tensor,
    evaluations: BatchEvaluations,
) -> Rows:
    """One metric on one batch.

    The metric gets copies, so that one that works in place spoils nothing for the next.
    """
    try:
        info: MetricInfo = metric.instance.info
        lacking = [need for need in sorted(info.needs) if getattr(batch, need) is None]
        if lacking:
            return refuse(metric, name, batch, "na", _MISSING_NEEDS.get(lacking[0], f"no {lacking[0]}"))
        measured = metric.instance.measure(generated.clone(), _copied(batch), evaluations.view(info.roles))
        rows = Rows()
        for observation in measured:
            write_observation(rows, metric, name, batch.sample_id, batch.subject, observation)
        for forgotten in set(observations(info)) - set(rows.columns["observation"]):
            raise ValueError(f"the metric gave no {forgotten}")
        return rows
    except Unavailable as error:
        return refuse(metric, name, batch, "na", explain(error))
    except Exception as error:
        return refuse(metric, name, batch, "failed", explain(error))


def _copied(batch: Batch) -> Batch:
    tensors = {name: value.clone() for name, value in vars(batch).items() if hasattr(value, "clone")}
    return replace(batch, **tensors)


def refuse(metric: Component, name: BatchName, batch: Batch, status: Status, reason: str) -> Rows:
    """The rows of a batch for which a metric has no value at all."""
    samples = [Unreadable(*who, reason) for who in zip(batch.sample_id, batch.subject, strict=True)]
    return refuse_samples([metric], name, samples, status)


def refuse_samples(
    metrics: Sequence[Component],
    name: BatchName,
    samples: Sequence[Unreadable],
    status: Status,
    first: int = 0,
) -> Rows:
    """The rows of samples that could not be loaded, from position ``first`` on."""
    rows = Rows()
    for metric in metrics:
        for observation in observations(metric.instance.info):
            for position, sample in enumerate(samples, start=first):
                rows.add(
                    cell=name.cell, batch=name.number, position=position, sample_id=sample.sample_id,
                    subject=sample.subject, metric=str(metric.name), observation=observation,
                    status=status, reason=sample.reason,
                )  # fmt: skip
    return rows


def write_observation(
    rows: Rows,
    metric: Component,
    name: BatchName,
    sample_ids: Sequence[str],
    subjects: Sequence[str],
    measured: Measured,
) -> None:
    """The rows of one observation: one a sample, or one a sample and AU."""
    table = _table(measured.values)
    if len(table) != len(sample_ids):
        raise ValueError(f"{measured.name} has {len(table)} values for {len(sample_ids)} samples")
    labels = _labels(measured, len(table))
    for position, (sample_id, subject, values) in enumerate(zip(sample_ids, subjects, table, strict=True)):
        for au, value in zip(labels[position], values, strict=True):
            reason = measured.missing.get(position) or (
                None if math.isfinite(value) else _not_finite(measured)
            )
            rows.add(
                cell=name.cell, batch=name.number, position=position, sample_id=sample_id, subject=subject,
                metric=str(metric.name), observation=measured.name, au=au,
                value=value if reason is None else None,
                status="ok" if reason is None else "na", reason=reason,
            )  # fmt: skip


def _labels(measured: Measured, count: int) -> list[tuple[str | None, ...]]:
    """For each sample the AUs of its values; None for a value that is of no AU."""
    if measured.au_of is None:
        return [measured.aus or (None,)] * count
    if measured.aus is not None:
        raise ValueError(f"{measured.name} has both aus and au_of: columns of AUs, or one AU a sample")
    if len(measured.au_of) != count:
        raise ValueError(f"{measured.name} names {len(measured.au_of)} AUs for {count} samples")
    return [(au,) for au in measured.au_of]


def _not_finite(measured: Measured) -> str:
    return "AU not covered" if measured.aus or measured.au_of else "not a number"


def _table(values: torch.Tensor | Sequence[float]) -> list[list[float]]:
    """(B,) or (B, K) values as rows of Python floats."""
    listed = values.tolist() if hasattr(values, "tolist") else list(values)
    return [row if isinstance(row, list) else [float(row)] for row in listed]


def system_rows(metric: Component, name: BatchName, system: Callable[[], SystemUnderTest]) -> Rows:
    """A system metric's rows: one a repeat. Each repeat is its own subject, for it is its own draw."""
    try:
        rows = Rows()
        for observation in metric.instance.measure_system(system()):
            names = [f"repeat-{number:04d}" for number in range(len(observation.values))]
            write_observation(rows, metric, name, names, names, observation)
        return rows
    except Exception as error:
        status: Status = "na" if isinstance(error, Unavailable) else "failed"
        whole = Unreadable("repeat-0000", "repeat-0000", explain(error))
        return refuse_samples([metric], name, [whole], status)


def has_failed(rows: Rows) -> bool:
    """Whether a component failed, as opposed to having no value to give."""
    return "failed" in rows.columns["status"]
