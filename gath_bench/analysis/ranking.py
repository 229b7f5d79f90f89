"""Rankings within a column: the best value, values not significantly worse, ranks and gains."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gath_bench.analysis.contrasts import Contrasts, Measurement
from gath_bench.analysis.rounding import equal
from gath_bench.analysis.significance import LEVEL, holm
from gath_bench.analysis.summary_row import SummaryRow, TableKey
from gath_bench.results.manifest import CellRecord, Manifest


@dataclass(frozen=True)
class MeanRank:
    """A model's mean rank over all metrics of a table.

    Attributes:
        dataset, dataset_key, split, protocol: the table.
        model, model_key: the model.
        rank: the mean over metrics of the mean over each metric's primary summaries; 1 is the best possible.
        metrics: the number of metrics.
    """

    dataset: str
    dataset_key: str
    split: str
    protocol: str
    model: str
    model_key: str
    rank: float
    metrics: int

    @property
    def table_key(self) -> TableKey:
        """The table."""
        return TableKey.of(self)


def with_ranking(
    contrasts: Contrasts,
    references: Mapping[str, str],
    entries: Iterable[tuple[SummaryRow, Measurement | None]],
    *,
    gains: bool = True,
) -> list[SummaryRow]:
    """The rows with best, tied, p value, rank and gain filled in.

    Args:
        contrasts: compares the measurements.
        references: the names of the reference models (``oracle``, ``copy_source``).
        entries: the rows, each over all AUs with its measurement and each of one AU with None.
        gains: whether to fill in the gains.
    """
    rows: list[SummaryRow] = []
    columns: dict[tuple[object, ...], list[tuple[int, Measurement]]] = {}
    for number, (row, measurement) in enumerate(entries):
        rows.append(row)
        if measurement is not None and row.direction != "none":
            columns.setdefault((row.table_key, row.metric, row.key), []).append((number, measurement))
    for column in columns.values():
        known = {number: measurement for number, measurement in column if rows[number].value is not None}
        ranked = [
            number
            for number in known
            if not is_reference(known[number].cell, references) and not rows[number].contaminated
        ]
        if len(ranked) > 1:
            _rank_column(contrasts, rows, known, ranked)
        if gains:
            _gains(contrasts, rows, known, references)
    return rows


def is_reference(cell: CellRecord, references: Mapping[str, str]) -> bool:
    """Whether a cell is a baseline row (oracle, copy-source, mean-frame), which is never ranked."""
    return cell.baseline or cell.sees_target or cell.model in references.values()


def mean_ranks(manifest: Manifest, rows: Sequence[SummaryRow]) -> list[MeanRank]:
    """Every ranked model's mean rank in each table, best first.

    System metrics are left out, and summaries in which some ranked model of the table has no rank.
    """
    counted = {
        summary.name
        for record in manifest.metrics
        for summary in record.summaries
        if summary.primary and not record.system
    }
    found: list[MeanRank] = []
    ranked = [row for row in rows if row.rank is not None and row.metric in counted]
    for key in dict.fromkeys(row.table_key for row in ranked):
        here = [row for row in ranked if row.table_key == key]
        models = dict.fromkeys((row.model, row.model_key) for row in here)
        ranks: dict[str, list[dict[tuple[str, str], float]]] = {}
        for metric, metric_key in dict.fromkeys((row.metric, row.key) for row in here):
            column = [row for row in here if (row.metric, row.key) == (metric, metric_key)]
            if len(column) == len(models):
                places = {(row.model, row.model_key): row.rank or 0.0 for row in column}
                ranks.setdefault(metric_key, []).append(places)
        if not ranks:
            continue
        means = {
            model: float(
                np.mean([np.mean([places[model] for places in summaries]) for summaries in ranks.values()])
            )
            for model in models
        }
        found += [
            MeanRank(*key, *model, means[model], len(ranks)) for model in sorted(means, key=means.__getitem__)
        ]
    return found


def _rank_column(
    contrasts: Contrasts, rows: list[SummaryRow], known: Mapping[int, Measurement], ranked: Sequence[int]
) -> None:
    """Fill in best, tied, p value and rank of the ranked rows of a column."""
    sign = 1 if rows[ranked[0]].direction == "lower" else -1
    scores = {number: sign * (rows[number].value or 0.0) for number in ranked}
    winner = min(ranked, key=scores.__getitem__)
    others = [number for number in ranked if number != winner]
    pairs = {number: contrasts.paired(known[winner], known[number]) for number in others}
    tested = [number for number in others if pairs[number].p_value is not None]
    corrected = dict(zip(tested, holm([pairs[number].p_value or 0.0 for number in tested]), strict=True))
    for number in ranked:
        mine = scores[number]
        as_good = sum(bool(equal(score, mine)) for score in scores.values())
        better = sum(score < mine and not equal(score, mine) for score in scores.values())
        best = bool(equal(mine, scores[winner]))
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
    contrasts: Contrasts,
    rows: list[SummaryRow],
    known: Mapping[int, Measurement],
    references: Mapping[str, str],
) -> None:
    """Fill in the gain of every model, if the column has both baseline rows."""
    by_name = {measurement.cell.model: measurement for measurement in known.values()}
    oracle = by_name.get(references.get("oracle", ""))
    copy_source = by_name.get(references.get("copy_source", ""))
    if oracle is None or copy_source is None or oracle.metric.system:
        return
    for number, measurement in known.items():
        if not is_reference(measurement.cell, references):
            gain = contrasts.gain(measurement, copy_source, oracle)
            rows[number] = replace(rows[number], gain=gain.value, gain_low=gain.low, gain_high=gain.high)
