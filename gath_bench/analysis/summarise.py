"""A run's long rows -> the rows of its tables: value, interval, n, coverage, or NA with the reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gath_bench.analysis.bootstrap import estimate
from gath_bench.analysis.reducers import REDUCERS, Array
from gath_bench.contracts.keys import NO_WEIGHTS, ComponentKey
from gath_bench.contracts.metric import Summary
from gath_bench.results.manifest import CellRecord, Manifest, MetricRecord

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Row:
    """One value of a table; the fields are those of ``gath-bench run --json``.

    Attributes:
        value: the summary's value; None where there is none, with ``status`` and ``reason`` saying why.
        low, high: the 95 % interval over subjects.
        n: samples (repeats, for a system metric) that the value rests on.
        coverage: the share of samples that have a value, in [0, 1]; for one AU, of the samples that have
            that AU (those lost whole are taken to have it as often as the others).
        status: ``"ok"``, ``"na"`` or ``"failed"``; ``"failed"`` also when only some samples failed.
        reason: the commonest reason for what is missing, with its count; None if nothing is.
        few_subjects: whether the interval rests on too few subjects to be trusted.
        contaminated: whether a network that graded the value also taught the model.
    """

    model: str
    model_key: str
    dataset: str
    dataset_key: str
    split: str
    protocol: str
    metric: str
    key: str
    au: str | None
    value: float | None
    low: float | None
    high: float | None
    unit: str
    direction: str
    n: int
    coverage: float
    status: str
    reason: str | None
    device: str
    seed: int
    few_subjects: bool
    contaminated: bool


def summarise(manifest: Manifest, rows: pa.Table) -> list[Row]:
    """Every summary of every cell, in the manifest's order; per-AU rows after their mean."""
    frame = _Frame(rows)
    return [
        row
        for cell in manifest.cells
        for name in cell.metrics
        for row in _summarise_metric(frame, manifest, cell, manifest.metric(name))
    ]


class _Frame:
    """The long rows as integer codes, cut up by (cell, metric, observation) once."""

    def __init__(self, rows: pa.Table) -> None:
        self.words: dict[str, list[Any]] = {}
        columns: dict[str, NDArray[Any]] = {}
        for name in ("cell", "metric", "observation", "subject", "au", "status", "reason"):
            columns[name], self.words[name] = _codes(rows[name])
        columns["value"] = _numbers(rows["value"], np.float64, missing=np.nan)
        batch = _numbers(rows["batch"], np.int32, missing=0).astype(np.int64)
        columns["sample"] = batch * (1 << 32) + _numbers(rows["position"], np.int32, missing=0).astype(
            np.int64
        )
        self.columns = columns
        self.parts: dict[tuple[str, str, str], NDArray[np.int64]] = {}
        if len(batch):
            self._cut()

    def _cut(self) -> None:
        keys = [self.columns[name] for name in ("cell", "metric", "observation")]
        order = np.lexsort(keys[::-1])
        sorted_keys = np.stack([key[order] for key in keys], -1)
        starts = np.flatnonzero(np.r_[True, (sorted_keys[1:] != sorted_keys[:-1]).any(1)])
        for start, end in zip(starts, [*starts[1:], len(order)], strict=True):
            cell, metric, observation = sorted_keys[start]
            name = (
                self.words["cell"][cell],
                self.words["metric"][metric],
                self.words["observation"][observation],
            )
            self.parts[name] = order[start:end]

    def part(self, cell: str, metric: str, observation: str) -> dict[str, NDArray[Any]]:
        """The columns of one observation in one cell; empty columns if it was never observed."""
        index = self.parts.get((cell, metric, observation), np.zeros(0, dtype=np.int64))
        return {name: column[index] for name, column in self.columns.items()}


def _numbers(column: pa.ChunkedArray | pa.Array, dtype: type[np.generic], missing: float) -> NDArray[Any]:
    """A numeric column as numpy, from Arrow's buffers.

    Arrow's own ``to_numpy`` and ``fill_null`` import pandas on the way, which takes longer than a report.
    """
    whole = column.combine_chunks() if hasattr(column, "combine_chunks") else column
    span = slice(whole.offset, whole.offset + len(whole))
    validity, data = whole.buffers()
    values = np.frombuffer(data, dtype)[span].copy()
    if whole.null_count:
        valid = np.unpackbits(np.frombuffer(validity, np.uint8), bitorder="little")[span]
        values[valid == 0] = missing
    return values


def _codes(column: pa.ChunkedArray) -> tuple[NDArray[np.int64], list[Any]]:
    """Integer codes of a string column and the words they stand for; null is -1."""
    whole = column.combine_chunks()
    encoded = whole if hasattr(whole, "indices") else whole.dictionary_encode()
    codes = _numbers(encoded.indices, np.int32, missing=-1).astype(np.int64)
    words: list[Any] = encoded.dictionary.to_pylist()
    # By the alphabet and not by first use, or intervals would depend on how rows came to lie in shards.
    order = sorted(range(len(words)), key=words.__getitem__)
    ranks = np.empty(len(words) + 1, np.int64)
    ranks[order], ranks[-1] = np.arange(len(words)), -1
    return ranks[codes], [words[number] for number in order]


def _summarise_metric(
    frame: _Frame, manifest: Manifest, cell: CellRecord, metric: MetricRecord
) -> Iterator[Row]:
    for summary in metric.summaries:
        parts = [frame.part(cell.cell_id, metric.name, name) for name in summary.inputs]
        aus = sorted({int(code) for code in np.unique(parts[0]["au"]) if code >= 0})
        chosen = [_aligned(parts, au) for au in aus or [-1]]
        yield _row(frame, manifest, cell, metric, summary, None, parts, chosen)
        if summary.per_au:
            for au, group in zip(aus, chosen if aus else [], strict=True):
                named = frame.words["au"][au]
                share = _share(parts[0], au)
                yield _row(frame, manifest, cell, metric, summary, named, _of_au(parts, au), [group], share)


def _of_au(parts: list[dict[str, NDArray[Any]]], au: int) -> list[dict[str, NDArray[Any]]]:
    """The rows of one AU, and those that stand for all AUs of a sample at once."""
    return [
        {name: column[(part["au"] == au) | (part["au"] == -1)] for name, column in part.items()}
        for part in parts
    ]


def _share(part: dict[str, NDArray[Any]], au: int) -> Fraction:
    """The share of samples that have this AU among those of which it is known what AUs they have.

    It is 1 where every sample has every AU; under a sweep, where a sample has one, the others are not missing.
    """
    having = len(np.unique(part["sample"][part["au"] == au]))
    return Fraction(having, len(np.unique(part["sample"][part["au"] >= 0])))


def _aligned(parts: list[dict[str, NDArray[Any]]], au: int) -> tuple[tuple[Array, ...], NDArray[np.int64]]:
    """The inputs of a reducer on the samples where all of them have a value, and those samples' subjects."""
    kept = []
    for part in parts:
        index = np.flatnonzero((part["au"] == au) & np.isfinite(part["value"]))
        kept.append(index[np.argsort(part["sample"][index], kind="stable")])
    common = parts[0]["sample"][kept[0]]
    for part, index in zip(parts[1:], kept[1:], strict=True):
        common = np.intersect1d(common, part["sample"][index])
    inputs = []
    for number, (part, index) in enumerate(zip(parts, kept, strict=True)):
        index = index[np.isin(part["sample"][index], common)]
        inputs.append(part["value"][index])
        if number == 0:
            subjects = part["subject"][index]
    return tuple(inputs), subjects


def _row(
    frame: _Frame,
    manifest: Manifest,
    cell: CellRecord,
    metric: MetricRecord,
    summary: Summary,
    au: str | None,
    parts: list[dict[str, NDArray[Any]]],
    groups: list[tuple[tuple[Array, ...], NDArray[np.int64]]],
    share: Fraction = Fraction(1),
) -> Row:
    reducer = REDUCERS[summary.reducer]
    inputs = [inputs for inputs, _ in groups]
    subjects = _shared([numbers for _, numbers in groups])
    result = estimate(reducer, inputs, subjects)
    expected, measured = _counts(parts, cell, metric)
    coverage = float(measured / (expected * share))
    status, reason = _status(frame, parts, result.value, complete=coverage == 1)
    return Row(
        model=cell.model,
        model_key=cell.model_key,
        dataset=cell.dataset,
        dataset_key=cell.dataset_key,
        split=cell.split,
        protocol=cell.protocol,
        metric=summary.name,
        key=_key(cell, metric),
        au=au,
        value=result.value,
        low=result.low,
        high=result.high,
        unit=summary.unit,
        direction=summary.direction,
        n=measured,
        coverage=coverage,
        status=status,
        reason=reason,
        device=manifest.device,
        seed=manifest.seed,
        few_subjects=result.few_subjects and not metric.system,
        contaminated=is_contaminated(cell.trained_against, metric.evaluators),
    )


def _key(cell: CellRecord, metric: MetricRecord) -> str:
    """The metric's key; a system metric's tells the model's precision as well, for it measures that."""
    if not metric.system:
        return metric.key
    key = ComponentKey.parse(metric.key)
    return str(replace(key, params={**key.params, "precision": cell.precision}))


def is_contaminated(teachers: Iterable[str], evaluators: Iterable[str]) -> bool:
    """Whether one of the evaluators taught the model: the same weights, whatever either is called.

    Args:
        teachers: component keys of the evaluators that taught a model.
        evaluators: component keys of those that grade it.

    >>> is_contaminated(["gath-e@1#ab12cd34"], ["synthfaces@1#ab12cd34"])
    True
    >>> is_contaminated(["synthfaces@1#00000000"], ["synthfaces@1#ab12cd34"])
    False
    """
    unknown = {"", NO_WEIGHTS}
    taught = {ComponentKey.parse(key).shown_hash for key in teachers} - unknown
    return any(ComponentKey.parse(key).shown_hash in taught for key in evaluators)


def _shared(subjects: list[NDArray[np.int64]]) -> list[NDArray[np.int64]]:
    """Subject codes of all groups renumbered together from zero."""
    if not subjects:
        return []
    _, numbers = np.unique(np.concatenate(subjects), return_inverse=True)
    return np.split(numbers.astype(np.int64), np.cumsum([len(group) for group in subjects])[:-1])


def _counts(parts: list[dict[str, NDArray[Any]]], cell: CellRecord, metric: MetricRecord) -> tuple[int, int]:
    """How many samples there should be (at least 1), and how many have a value in every input."""
    measured: NDArray[np.int64] | None = None
    for part in parts:
        have = np.unique(part["sample"][np.isfinite(part["value"])])
        measured = have if measured is None else np.intersect1d(measured, have)
    done = 0 if measured is None else len(measured)
    seen = len(np.unique(parts[0]["sample"]))
    return max(seen, 1 if metric.system else cell.samples), done


def _status(
    frame: _Frame, parts: list[dict[str, NDArray[Any]]], value: float | None, *, complete: bool
) -> tuple[str, str | None]:
    failed = frame.words["status"].index("failed") if "failed" in frame.words["status"] else None
    codes = np.concatenate([part["reason"] for part in parts])
    statuses = np.concatenate([part["status"] for part in parts])
    any_failed = failed is not None and bool((statuses == failed).any())
    chosen = codes[statuses == failed] if any_failed else codes
    reasons = Counter(frame.words["reason"][code] for code in chosen.tolist() if code >= 0)
    reason = reasons.most_common(1)[0][0] if reasons else None
    if any_failed:
        return "failed", reason
    if value is None:
        return "na", reason or ("undefined on these samples" if complete else "not measured yet")
    if not complete:
        return "ok", reason or "not measured yet"
    return "ok", None
