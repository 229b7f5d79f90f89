"""Missing values: NA and failures, counted by reason."""

from __future__ import annotations

from dataclasses import dataclass

from gath_bench.analysis.summarise import row_key
from gath_bench.report.html.place import Place, PlaceLine
from gath_bench.results.manifest import CellRecord

#: The most frequent reasons listed for each model and metric.
REASONS = 5
#: Sample ids listed as examples of a reason.
EXAMPLES = 3


@dataclass(frozen=True)
class Missing:
    """One reason for which a model has no value of a metric."""

    model: str
    metric: str
    status: str
    reason: str
    samples: int
    of: int
    examples: tuple[str, ...]


def missing(place: Place) -> tuple[list[Missing], int]:
    """Reasons by model and metric, the most frequent first, and the number of reasons that are left out."""
    found: list[Missing] = []
    left_out = 0
    for line in place.lines:
        for cell in line.cells:
            for metric in cell.metrics:
                mine = _of_samples(line, cell, metric) or _of_summaries(line, cell, metric)
                mine.sort(key=lambda item: (item.status != "failed", -item.samples))
                found += mine[:REASONS]
                left_out += len(mine[REASONS:])
    return found, left_out


def _of_samples(line: PlaceLine, cell: CellRecord, metric: str) -> list[Missing]:
    """Reasons in the observations."""
    lost = line.source.samples.lost(cell.cell_id, metric)
    of = 1 if line.manifest.metric(metric).system else cell.samples
    found = []
    for key, group in lost.groupby(["status", "reason"], observed=True, sort=False):
        status, reason = map(str, key)
        samples = list(dict.fromkeys(map(str, group["sample_id"])))
        found.append(Missing(line.label, metric, status, reason, len(samples), of, tuple(samples[:EXAMPLES])))
    return found


def _of_summaries(line: PlaceLine, cell: CellRecord, metric: str) -> list[Missing]:
    """Missing summaries without a missing observation: an undefined statistic, a cell not measured yet."""
    manifest = line.manifest
    record = manifest.metric(metric)
    heads = {(summary.name, row_key(manifest, cell, record)) for summary in record.summaries}
    rows = [row for row in line.rows if row.au is None and (row.metric, row.key) in heads]
    return [
        Missing(line.label, row.metric, row.status, row.reason or "", 0, cell.samples, ())
        for row in rows
        if row.value is None
    ]
