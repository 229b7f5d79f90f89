"""Comparison of a run with its repetition, value by value, against each metric's tolerance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gath_bench.analysis.join import stacked
from gath_bench.analysis.observation_table import ObservationTable, Part
from gath_bench.analysis.reducers import REDUCERS, Array
from gath_bench.analysis.summarise import measurements
from gath_bench.results.columns import Codes
from gath_bench.results.manifest import CellRecord, MetricRecord
from gath_bench.results.reader import Run


@dataclass(frozen=True)
class Drift:
    """How much the values of a metric changed.

    Attributes:
        metric, key: the metric.
        graded: whether a change is an error; system metrics and metrics declared as not deterministic are
            reported only.
        values: the number of compared values.
        largest: the largest absolute difference, in the metric's unit; 0 without values.
        tolerance: the largest difference that the metric allows.
        beyond: the number of values that changed by more.
        vanished, appeared: the number of values that only the first run has, and only the second.
        worst: where the largest difference is: cell, sample, observation and AU; None without one.
        system: whether its values are reported only: a system metric, or a corpus metric on fewer samples.
        summaries: the primary values of such a metric in both runs, in words.
    """

    metric: str
    key: str
    graded: bool
    values: int
    largest: float
    tolerance: float
    beyond: int
    vanished: int
    appeared: int
    worst: str | None
    system: bool = False
    summaries: tuple[str, ...] = ()

    @property
    def held(self) -> bool:
        """Whether this metric was reproduced."""
        return not self.graded or not (self.beyond or self.vanished or self.appeared)


def drift(before: Run, after: Run) -> list[Drift]:
    """The drift of every metric, on the samples of the second run.

    Args:
        before: the run.
        after: the same suite, run again, possibly on fewer samples.
    """
    (then, now), table = stacked([before, after])
    observations = ObservationTable(table)
    cells = list(zip(then.manifest.cells, now.manifest.cells, strict=True))
    return [
        _reported(then, now, observations, record)
        if record.system or (_is_corpus(record) and any(a.samples != b.samples for a, b in cells))
        else _of_metric(observations, cells, record)
        for record in before.manifest.metrics
    ]


def _is_corpus(record: MetricRecord) -> bool:
    """Whether its value is of all samples together: on fewer samples it is another value."""
    return any(REDUCERS[summary.reducer].stored for summary in record.summaries)


def _of_metric(
    observations: ObservationTable, cells: list[tuple[CellRecord, CellRecord]], record: MetricRecord
) -> Drift:
    values = beyond = vanished = appeared = 0
    largest, worst = 0.0, None
    names = dict.fromkeys(name for summary in record.summaries for name in summary.inputs)
    for then, now in cells:
        if record.name not in then.metrics:
            continue
        ids = [observations.sample_names(cell.cell_id) for cell in (then, now)]
        again = set(ids[1][ids[1] >= 0].tolist())
        for name in names:
            old, new = (
                _values(observations.part(cell.cell_id, record.name, name), numbers)
                for cell, numbers in zip((then, now), ids, strict=True)
            )
            old = {place: value for place, value in old.items() if place[0] in again}
            shared = sorted(old.keys() & new.keys())
            moved = np.abs(np.array([old[place] - new[place] for place in shared]))
            values += len(shared)
            beyond += int((moved > record.tolerance).sum())
            vanished += len(old.keys() - new.keys())
            appeared += len(new.keys() - old.keys())
            if len(moved) and moved.max() > largest:
                largest = float(moved.max())
                sample, au = shared[int(moved.argmax())]
                worst = " ".join(
                    [then.cell_id.partition("-")[2], observations.sample_id(sample), name]
                    + ([observations.words["au"][au]] if au >= 0 else [])
                )
    return Drift(
        metric=record.name,
        key=record.key,
        graded=record.deterministic,
        values=values,
        largest=largest,
        tolerance=record.tolerance,
        beyond=beyond,
        vanished=vanished,
        appeared=appeared,
        worst=worst,
    )


def _values(part: Part, names: Codes) -> dict[tuple[int, int], float]:
    """(sample, AU) -> value."""
    known = np.isfinite(part.value)
    places = zip(names[part.sample[known]].tolist(), part.au[known].tolist(), strict=True)
    return dict(zip(places, part.value[known].tolist(), strict=True))


def _reported(then: Run, now: Run, observations: ObservationTable, record: MetricRecord) -> Drift:
    found: dict[tuple[str, str], list[str]] = {}
    for run in (then, now):
        for one in measurements(run.manifest, observations):
            if one.metric.name == record.name and one.summary.primary:
                value = _mean([REDUCERS[one.summary.reducer](*inputs) for inputs in one.observed.inputs])
                shown = record.display.format(value) if np.isfinite(value) else "NA"
                place = f"{one.cell.model} on {one.cell.dataset}, {one.cell.protocol}"
                name = one.summary.name.removeprefix(f"{record.name}.")
                found.setdefault((place, name), []).append(shown)
    words = tuple(
        f"{place}: {name} {old} -> {new}"
        for (place, name), (old, new) in found.items()
        if (old, new) != ("NA", "NA")
    )
    return Drift(record.name, record.key, False, 0, 0.0, record.tolerance, 0, 0, 0, None, True, words)


def _mean(values: list[float]) -> float:
    known: Array = np.array([value for value in values if np.isfinite(value)])
    return float(known.mean()) if len(known) else float("nan")
