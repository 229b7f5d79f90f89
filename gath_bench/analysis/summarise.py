"""Observations of a run -> the rows of its tables: value, interval, n, coverage, or NA with the reason."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from fractions import Fraction
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gath_bench.analysis.bootstrap import estimate
from gath_bench.analysis.contrasts import Contrasts, Measurement
from gath_bench.analysis.observation_table import ObservationTable, Observed, Part, observe, renumbered
from gath_bench.analysis.ranking import with_ranking
from gath_bench.analysis.reducers import REDUCERS
from gath_bench.analysis.summary_row import SummaryRow
from gath_bench.contracts.keys import NO_WEIGHTS, ComponentKey
from gath_bench.contracts.metric import Summary, counted_name
from gath_bench.errors import UsageError, did_you_mean
from gath_bench.results.manifest import CellRecord, Manifest, MetricRecord

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "Place",
    "SummaryRow",
    "is_contaminated",
    "measurement",
    "measurements",
    "planned",
    "row_key",
    "summarise",
]


#: A summary of a metric in a cell.
Place = tuple[CellRecord, MetricRecord, Summary]


def summarise(manifest: Manifest, rows: pa.Table, *, headlines: bool = False) -> list[SummaryRow]:
    """Every summary of every cell, in the manifest's order; per-AU rows after their mean.

    Args:
        manifest: the manifest of the run.
        rows: its observations, in any order.
        headlines: only the primary summaries over all AUs, without gains, which is what text tables show. The
            values of these rows are the same.

    Raises:
        UsageError: the manifest is damaged, or was written by another version.
    """
    observations = ObservationTable(rows)
    entries = [
        entry
        for cell in manifest.cells
        for name in cell.metrics
        for entry in _summarise_metric(observations, manifest, cell, manifest.metric(name), headlines)
    ]
    return with_ranking(Contrasts(observations), manifest.references, entries, gains=not headlines)


def planned(manifest: Manifest) -> Iterator[Place]:
    """Every summary of every cell, in the manifest's order."""
    for cell in manifest.cells:
        for metric in map(manifest.metric, cell.metrics):
            for summary in metric.summaries:
                yield cell, metric, summary


def measurement(
    observations: ObservationTable, cell: CellRecord, metric: MetricRecord, summary: Summary
) -> Measurement:
    """A summary of a cell over all AUs, with its observations."""
    _, observed = observe(observations, cell.cell_id, metric.name, summary.inputs)
    return Measurement(cell, metric, summary, observed)


def measurements(manifest: Manifest, observations: ObservationTable) -> Iterator[Measurement]:
    """Every summary of every cell over all AUs, in the manifest's order, with its observations."""
    return (measurement(observations, *place) for place in planned(manifest))


def _summarise_metric(
    observations: ObservationTable,
    manifest: Manifest,
    cell: CellRecord,
    metric: MetricRecord,
    headlines: bool,
) -> Iterator[tuple[SummaryRow, Measurement | None]]:
    for summary in metric.summaries:
        _refuse_wrong_reducer(summary)
        if headlines and not summary.primary:
            continue
        parts, observed = observe(observations, cell.cell_id, metric.name, summary.inputs)
        whole = Measurement(cell, metric, summary, observed)
        if REDUCERS[summary.reducer].stored:
            counted = observations.part(cell.cell_id, metric.name, counted_name(summary.name))
            yield _row(observations, manifest, whole, None, [[counted]], why=[*parts, counted]), whole
            continue
        row = _row(observations, manifest, whole, None, [[part] for part in parts])
        if row.status == "ok" and row.reason is None and summary.per_au:
            row = replace(row, reason=_left_out_aus(observations, parts, observed))
        yield row, whole
        if summary.per_au and observed.aus != (-1,) and not headlines:
            for number, au in enumerate(observed.aus):
                one = replace(
                    whole,
                    observed=Observed(*([field[number]] for field in vars(observed).values())),  # type: ignore[arg-type]
                )
                share = _share(parts[0], au)
                yield (
                    _row(observations, manifest, one, au, [part.with_whole(au) for part in parts], share),
                    None,
                )


def _left_out_aus(observations: ObservationTable, parts: list[Part], observed: Observed) -> str | None:
    """How many AUs are in a mean over AUs, and why others are not; None if every AU has a value."""
    absent = [au for au, samples in zip(observed.aus, observed.samples, strict=True) if not len(samples)]
    if not absent:
        return None
    pieces = [part.of(au) for au in absent for part in parts]
    _, reason = _status(observations, pieces, None, count=0, complete=False)
    total = len(observed.aus)
    return f"mean over {total - len(absent)} of {total} AUs: {reason}"


def _share(part: Part, au: int) -> Fraction:
    """The share of samples that have this AU, among the samples whose AUs are known.

    It is 1 where every sample has every AU. In a sweep a sample has one AU, and the others are not missing.
    """
    return Fraction(int(part.of(au).seen.sum()), part.with_aus)


def _refuse_wrong_reducer(summary: Summary) -> None:
    """Refuse a damaged manifest, or one of another version.

    Raises:
        UsageError: the summary's reducer is unknown, or takes another number of inputs.
    """
    if summary.reducer not in REDUCERS:
        raise UsageError(
            f"the run has the reducer {summary.reducer!r:.80}, which this version does not know; "
            f"{did_you_mean(summary.reducer, REDUCERS)}"
        )
    if len(summary.inputs) != REDUCERS[summary.reducer].inputs:
        raise UsageError(
            f"the run gives the reducer {summary.reducer} of {summary.name} {len(summary.inputs)} inputs, and it "
            f"takes {REDUCERS[summary.reducer].inputs}: its manifest is damaged."
        )


def _row(
    observations: ObservationTable,
    manifest: Manifest,
    measured: Measurement,
    au: int | None,
    parts: list[list[Part]],
    share: Fraction = Fraction(1),
    why: list[Part] | None = None,
) -> SummaryRow:
    """The row of a measurement; ``parts`` are the values of each of its inputs, ``why`` all that may have reasons."""
    cell, metric, summary, observed = measured.cell, measured.metric, measured.summary, measured.observed
    subjects, _ = renumbered(observed.subjects)
    result = estimate(REDUCERS[summary.reducer], observed.inputs, subjects)
    expected, done = _counts(parts, cell, metric)
    coverage = float(done / (expected * share))
    pieces = why or [piece for several in parts for piece in several]
    # The value of a stored reducer has a reason of its own; others are undefined on the samples that have values.
    count = 0 if REDUCERS[summary.reducer].stored else done
    status, reason = _status(observations, pieces, result.value, count=count, complete=coverage == 1)
    if metric.system and status == "ok" and reason is None:
        reason = _remark(observations, pieces)
    return SummaryRow(
        model=cell.model,
        model_key=cell.model_key,
        dataset=cell.dataset,
        dataset_key=cell.dataset_key,
        split=cell.split,
        protocol=cell.protocol,
        metric=summary.name,
        key=row_key(manifest, cell, metric),
        au=None if au is None else observations.words["au"][au],
        value=result.value,
        low=result.low,
        high=result.high,
        unit=summary.unit,
        direction=summary.direction,
        n=done,
        coverage=coverage,
        status=status,
        reason=reason,
        device=cell.device or manifest.device,
        seed=manifest.seed,
        few_subjects=result.few_subjects and not metric.system,
        contaminated=is_contaminated(cell.trained_against, metric.evaluators),
    )


def row_key(manifest: Manifest, cell: CellRecord, metric: MetricRecord) -> str:
    """The metric's key; that of a system metric includes the device and the model's precision."""
    if not metric.system:
        return metric.key
    key = ComponentKey.parse(metric.key)
    extra = {"device": cell.hardware or manifest.hardware, "precision": cell.precision}
    return str(replace(key, params={**key.params, **extra}))


def is_contaminated(teachers: Iterable[str], evaluators: Iterable[str]) -> bool:
    """Whether the model was trained against one of the evaluators: the same weights hash under any name.

    Args:
        teachers: component keys of the evaluators that a model was trained against.
        evaluators: component keys of the evaluators of a metric.

    >>> is_contaminated(["gath-e@1#ab12cd34"], ["synthfaces@1#ab12cd34"])
    True
    >>> is_contaminated(["synthfaces@1#00000000"], ["synthfaces@1#ab12cd34"])
    False
    """
    unknown = {"", NO_WEIGHTS}
    taught = {ComponentKey.parse(key).shown_hash for key in teachers} - unknown
    return any(ComponentKey.parse(key).shown_hash in taught for key in evaluators)


def _remark(observations: ObservationTable, pieces: list[Part]) -> str | None:
    """The remark of a system metric on its values."""
    remarks = {int(code) for piece in pieces for code in piece.reason if code >= 0}
    return "; ".join(observations.words["reason"][code] for code in sorted(remarks)) or None


def _counts(parts: list[list[Part]], cell: CellRecord, metric: MetricRecord) -> tuple[int, int]:
    """The expected number of samples (at least 1), and the number with a value of every input."""
    measured = reduce(np.logical_and, [_any([part.measured for part in pieces]) for pieces in parts])
    seen = int(_any([part.seen for part in parts[0]]).sum())
    return max(seen, 1 if metric.system else cell.samples), int(measured.sum())


def _any(flags: list[NDArray[np.bool_]]) -> NDArray[np.bool_]:
    return reduce(np.logical_or, flags)


def _status(
    observations: ObservationTable, pieces: list[Part], value: float | None, *, count: int, complete: bool
) -> tuple[str, str | None]:
    """Status and reason of a value over ``count`` samples: the most frequent reason of those that have none.

    A sample that lacks single AUs has a value, so that their reasons do not explain why samples are missing.
    """
    words = observations.words["reason"]
    failed = observations.words["status"].index("failed") if "failed" in observations.words["status"] else -2
    whole, of_failed, of_missing = (np.zeros(len(words) + 1, np.int64) for _ in range(3))
    any_failed = False
    for piece in pieces:
        missing = ~piece.measured[piece.sample]
        whole += np.bincount(piece.reason + 1, minlength=len(words) + 1)
        of_missing += np.bincount(piece.reason[missing] + 1, minlength=len(words) + 1)
        of_failed += np.bincount(piece.reason[piece.status == failed] + 1, minlength=len(words) + 1)
        any_failed |= bool((piece.status == failed).any())
    counts = (of_failed if any_failed else of_missing if of_missing[1:].any() else whole)[1:]
    reason = words[int(counts.argmax())] if counts.any() else None
    if any_failed:
        return "failed", reason
    if value is None and count:
        return "na", "undefined on these samples"
    if value is None:
        return "na", reason or ("undefined on these samples" if complete else "not measured yet")
    if not complete:
        return "ok", reason or "not measured yet"
    return "ok", None
