"""What a row is among the others of its table: the best, not significantly worse than it, its rank, its gain."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gath_bench.analysis.contrasts import Contrasts, Measurement
from gath_bench.analysis.rounding import equal
from gath_bench.analysis.significance import LEVEL, holm
from gath_bench.analysis.summary_row import Row
from gath_bench.results.manifest import Manifest


@dataclass(frozen=True)
class MeanRank:
    """A model's place over all metrics of a table.

    Attributes:
        dataset, dataset_key, split, protocol: the table.
        model, model_key: the model.
        rank: the mean over metrics of the mean over each metric's primary summaries; 1 is the best of all.
        metrics: over how many metrics.
    """

    dataset: str
    dataset_key: str
    split: str
    protocol: str
    model: str
    model_key: str
    rank: float
    metrics: int


def mark(
    contrasts: Contrasts, references: Mapping[str, str], entries: Iterable[tuple[Row, Measurement | None]]
) -> list[Row]:
    """The rows with what they are among the others.

    Args:
        contrasts: compares the measurements.
        references: the names of the reference models (``oracle``, ``copy_source``).
        entries: the rows, those over all AUs with their measurements.
    """
    rows: list[Row] = []
    columns: dict[tuple[object, ...], list[tuple[int, Measurement]]] = {}
    for number, (row, measurement) in enumerate(entries):
        rows.append(row)
        if measurement is not None and row.direction != "none":
            columns.setdefault((row.place, row.metric, row.key), []).append((number, measurement))
    for column in columns.values():
        known = {number: measurement for number, measurement in column if rows[number].value is not None}
        racing = [
            number
            for number in known
            if not is_reference(known[number], references) and not rows[number].contaminated
        ]
        if len(racing) > 1:
            _race(contrasts, rows, known, racing)
        _gains(contrasts, rows, known, references)
    return rows


def is_reference(measurement: Measurement, references: Mapping[str, str]) -> bool:
    """Whether a row is a yardstick rather than a model."""
    return measurement.cell.sees_target or measurement.cell.model in references.values()


def mean_ranks(manifest: Manifest, rows: Sequence[Row]) -> list[MeanRank]:
    """Every ranked model's mean rank in each table, best first.

    System metrics do not count, nor does a summary in which not all of a table's ranked models have a rank.
    """
    counted = {
        summary.name
        for record in manifest.metrics
        for summary in record.summaries
        if summary.primary and not record.system
    }
    found: list[MeanRank] = []
    ranked = [row for row in rows if row.rank is not None and row.metric in counted]
    for place in dict.fromkeys(row.place for row in ranked):
        here = [row for row in ranked if row.place == place]
        models = dict.fromkeys((row.model, row.model_key) for row in here)
        ranks: dict[str, list[dict[tuple[str, str], float]]] = {}
        for metric, key in dict.fromkeys((row.metric, row.key) for row in here):
            column = [row for row in here if (row.metric, row.key) == (metric, key)]
            if len(column) == len(models):
                places = {(row.model, row.model_key): row.rank or 0.0 for row in column}
                ranks.setdefault(key, []).append(places)
        if not ranks:
            continue
        means = {
            model: float(
                np.mean([np.mean([places[model] for places in summaries]) for summaries in ranks.values()])
            )
            for model in models
        }
        found += [
            MeanRank(*place, *model, means[model], len(ranks))
            for model in sorted(means, key=means.__getitem__)
        ]
    return found


def _race(
    contrasts: Contrasts, rows: list[Row], known: Mapping[int, Measurement], racing: Sequence[int]
) -> None:
    """Mark the best, and what is not significantly worse."""
    sign = 1 if rows[racing[0]].direction == "lower" else -1
    scores = {number: sign * (rows[number].value or 0.0) for number in racing}
    champion = min(racing, key=scores.__getitem__)
    others = [number for number in racing if number != champion]
    pairs = {number: contrasts.paired(known[champion], known[number]) for number in others}
    tested = [number for number in others if pairs[number].p_value is not None]
    corrected = dict(zip(tested, holm([pairs[number].p_value or 0.0 for number in tested]), strict=True))
    for number in racing:
        mine = scores[number]
        as_good = sum(bool(equal(score, mine)) for score in scores.values())
        better = sum(score < mine and not equal(score, mine) for score in scores.values())
        best = bool(equal(mine, scores[champion]))
        worse = False
        if number in pairs:
            difference, chance = pairs[number].difference, corrected.get(number)
            if chance is not None:
                worse = chance <= LEVEL and sign * (difference.value or 0.0) > 0
            elif difference.low is not None and difference.high is not None:
                worse = min(sign * difference.low, sign * difference.high) > 0
        rows[number] = replace(
            rows[number],
            best=best,
            tied=not best and not worse,
            p_value=corrected.get(number),
            rank=better + (as_good + 1) / 2,
        )


def _gains(
    contrasts: Contrasts, rows: list[Row], known: Mapping[int, Measurement], references: Mapping[str, str]
) -> None:
    """The gain of every model, if the column has both reference rows."""
    by_name = {measurement.cell.model: measurement for measurement in known.values()}
    oracle = by_name.get(references.get("oracle", ""))
    copy_source = by_name.get(references.get("copy_source", ""))
    if oracle is None or copy_source is None or oracle.metric.system:
        return
    for number, measurement in known.items():
        if not is_reference(measurement, references):
            gain = contrasts.gain(measurement, copy_source, oracle)
            rows[number] = replace(rows[number], gain=gain.value, gain_low=gain.low, gain_high=gain.high)
