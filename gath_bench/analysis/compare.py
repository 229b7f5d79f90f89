"""Paired comparison of two runs, model by model, on their common samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from gath_bench.analysis.comparability import metric_keys, unlike_components, unlike_data, unlike_models
from gath_bench.analysis.contrasts import Contrasts, Measurement
from gath_bench.analysis.join import stacked
from gath_bench.analysis.observation_table import ObservationTable
from gath_bench.analysis.ranking import is_reference
from gath_bench.analysis.significance import LEVEL, holm
from gath_bench.analysis.summarise import Place, measurement, planned, row_key
from gath_bench.contracts.keys import ComponentKey, ComponentName
from gath_bench.errors import UsageError, did_you_mean
from gath_bench.results.manifest import Manifest
from gath_bench.results.reader import Run


@dataclass(frozen=True)
class PairedDifference:
    """The difference between a model of run A and a model of run B in one summary, on their common samples.

    Attributes:
        dataset, dataset_key, split, protocol: the table of both values.
        metric, key, unit, direction: the column.
        model_a, model_key_a, value_a: the model of run A, and its value on the common samples.
        model_b, model_key_b, value_b: the same for run B.
        difference: B - A; None where there are no common samples.
        low, high: its 95 % interval over subjects (over repeats, for a system metric).
        p_value: two-sided, by a permutation test over subjects; None for a system or corpus metric.
        p_holm: the p value, Holm-corrected over the pairs of models in the column.
        better: ``"a"`` or ``"b"`` where the difference is significant, for a system or corpus metric where the interval
            excludes zero; None where it is not, or if the summary has no direction.
        n, subjects: the numbers of common samples (repeats) and of their subjects.
        few_subjects: whether there are too few subjects for the interval to be reliable.
        primary: whether tables show the summary by default.
    """

    dataset: str
    dataset_key: str
    split: str
    protocol: str
    metric: str
    key: str
    unit: str
    direction: str
    model_a: str
    model_key_a: str
    model_b: str
    model_key_b: str
    value_a: float | None
    value_b: float | None
    difference: float | None
    low: float | None
    high: float | None
    p_value: float | None
    p_holm: float | None
    better: Literal["a", "b"] | None
    n: int
    subjects: int
    few_subjects: bool
    primary: bool = True


def compare(
    first: Run,
    second: Run,
    *,
    pairs: Sequence[tuple[str, str]] = (),
    metrics: Sequence[str] = (),
    namesakes: bool = False,
    headlines: bool = False,
) -> list[PairedDifference]:
    """Paired differences between two runs.

    Models with one name are compared. Models whose name is in one run only are compared with every such model of the
    other run. Baseline rows are compared only if there are no other models.

    Args:
        first, second: the runs, A and B.
        pairs: the models to compare instead, each one of A and one of B; their names may differ.
        metrics: bare names of the metrics to compare; all if empty.
        namesakes: compare models with one name only, if there are any.
        headlines: only the primary values, if there are any.

    Raises:
        UsageError: the runs are not comparable; the message names each part that differs.
    """
    chosen = _chosen(first, second, pairs, metrics, namesakes)
    runs, table = stacked([first, second])
    columns = _columns(runs[0].manifest, runs[1].manifest, chosen, metrics)
    if not columns:
        raise UsageError(
            f"{first.path} and {second.path} have no data set, protocol and metric in common: nothing to compare."
        )
    primary = {name: places for name, places in columns.items() if places[0][0][-1].primary}
    observations = ObservationTable(table)
    contrasts = Contrasts(observations)
    found: list[PairedDifference] = []
    for column, places in (primary if headlines and primary else columns).items():
        measured = [(measurement(observations, *a), measurement(observations, *b)) for a, b in places]
        found += _column(contrasts, column[-1], measured)
    return found


def count_values(
    first: Run, second: Run, *, pairs: Sequence[tuple[str, str]] = (), namesakes: bool = False
) -> int:
    """The number of values that `compare` gives for these arguments without ``headlines``."""
    chosen = _chosen(first, second, pairs, (), namesakes)
    return sum(map(len, _columns(first.manifest, second.manifest, chosen, ()).values()))


def _chosen(
    first: Run,
    second: Run,
    pairs: Sequence[tuple[str, str]],
    metrics: Sequence[str],
    namesakes: bool,
) -> Sequence[tuple[str, str]]:
    """The pairs of models to compare.

    Raises:
        UsageError: the runs are not comparable, or lack a model.
    """
    _refuse_unlike(first.manifest, second.manifest, metrics, models=not pairs)
    chosen = pairs or _pairs(first.manifest, second.manifest, namesakes)
    for run, names in ((first, [a for a, _ in chosen]), (second, [b for _, b in chosen])):
        known = {cell.model for cell in run.manifest.cells}
        for name in set(names) - known:
            raise UsageError(f"{run.path} has no model {name!r}; {did_you_mean(name, known)}")
    return chosen


def _columns(
    first: Manifest, second: Manifest, chosen: Sequence[tuple[str, str]], metrics: Sequence[str]
) -> dict[tuple[str, ...], list[tuple[Place, Place]]]:
    """What to compare in each column that both runs have."""
    mine, theirs = (_by_column(manifest, metrics) for manifest in (first, second))
    columns = {
        column: [
            (mine[a, *column], theirs[b, *column])
            for a, b in chosen
            if (a, *column) in mine and (b, *column) in theirs
        ]
        for column in dict.fromkeys(place[1:] for place in mine)
    }
    return {column: places for column, places in columns.items() if places}


def _refuse_unlike(first: Manifest, second: Manifest, metrics: Sequence[str], *, models: bool) -> None:
    known = {ComponentKey.parse(key).name for manifest in (first, second) for key in metric_keys(manifest)}
    for name in metrics:
        if name not in known:
            raise UsageError(f"neither run has a metric {name!r}; {did_you_mean(name, known)}")
    apart = [
        *unlike_components("metric", metric_keys(first, metrics), metric_keys(second, metrics)),
        *unlike_data(first, second),
        *(unlike_models(first, second) if models else []),
    ]
    if apart:
        raise UsageError(
            f"the runs cannot be compared; they differ in: {'; '.join(apart)}. "
            "Choose comparable metrics with -M, or name the two models to compare with --pair."
        )


def _pairs(first: Manifest, second: Manifest, namesakes: bool) -> list[tuple[str, str]]:
    mine, theirs = _models(first), _models(second)
    shared = [(name, name) for name in mine if name in theirs]
    if namesakes and shared:
        return shared
    left, right = ([name for name in names if (name, name) not in shared] for names in (mine, theirs))
    return shared + [(a, b) for a in left for b in right]


def _models(manifest: Manifest) -> list[str]:
    names = dict.fromkeys(cell.model for cell in manifest.cells)
    references = {cell.model for cell in manifest.cells if is_reference(cell, manifest.references)}
    return [name for name in names if name not in references] or list(names)


def _by_column(manifest: Manifest, metrics: Sequence[str]) -> dict[tuple[str, ...], Place]:
    """What a run has measured, by model, table and column."""
    wanted = set(metrics)
    found: dict[tuple[str, ...], Place] = {}
    for cell, metric, summary in planned(manifest):
        if not wanted or ComponentName.parse(metric.name).name in wanted:
            table = cell.dataset_key, cell.split, cell.protocol
            found[cell.model, *table, summary.name, row_key(manifest, cell, metric)] = cell, metric, summary
    return found


def _column(
    contrasts: Contrasts, key: str, measured: Sequence[tuple[Measurement, Measurement]]
) -> list[PairedDifference]:
    made = [_difference(contrasts, key, *pair) for pair in measured]
    tested = [number for number, one in enumerate(made) if one.p_value is not None]
    for number, chance in zip(tested, holm([made[number].p_value or 0.0 for number in tested]), strict=True):
        made[number] = replace(made[number], p_holm=chance)
    return [replace(one, better=_better(one)) for one in made]


def _better(one: PairedDifference) -> Literal["a", "b"] | None:
    if one.direction == "none" or one.difference is None or one.low is None or one.high is None:
        return None
    clear = one.low * one.high > 0 if one.p_holm is None else one.p_holm <= LEVEL
    if not clear or one.difference == 0:
        return None
    return "a" if (one.difference > 0) == (one.direction == "lower") else "b"


def _difference(contrasts: Contrasts, key: str, a: Measurement, b: Measurement) -> PairedDifference:
    paired = contrasts.paired(a, b)
    return PairedDifference(
        dataset=a.cell.dataset,
        dataset_key=a.cell.dataset_key,
        split=a.cell.split,
        protocol=a.cell.protocol,
        metric=a.summary.name,
        key=key,
        unit=a.summary.unit,
        direction=a.summary.direction,
        model_a=a.cell.model,
        model_key_a=a.cell.model_key,
        model_b=b.cell.model,
        model_key_b=b.cell.model_key,
        value_a=paired.first,
        value_b=paired.second,
        difference=paired.difference.value,
        low=paired.difference.low,
        high=paired.difference.high,
        p_value=paired.p_value,
        p_holm=None,
        better=None,
        n=paired.n,
        subjects=paired.subjects,
        few_subjects=paired.difference.few_subjects and not a.metric.system,
        primary=a.summary.primary,
    )


def verdict(found: Sequence[PairedDifference]) -> str:
    """How many values differ significantly, in one line; values without a direction are not counted."""
    graded = [one for one in found if one.direction != "none" and one.difference is not None]
    better, worse = (sum(one.better == side for one in graded) for side in ("b", "a"))
    values = f"{len(graded)} value{'s' * (len(graded) != 1)}"
    if not graded:
        return "no value to compare"
    if all(one.difference == 0 for one in graded):
        return f"no difference: A and B are equal in {values}"
    if not better and not worse:
        return f"no significant difference in {values}"
    rest = len(graded) - better - worse
    unclear = f"; {rest} without a significant difference" if rest else ""
    if better and worse:
        return f"mixed: B is better in {better} of {values}, A in {worse}{unclear}"
    return f"{'B' if better else 'A'} is better in {better or worse} of {values}{unclear}"
