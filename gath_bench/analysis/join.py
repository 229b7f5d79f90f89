"""Join several runs into one, so that models of different runs are in one table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gath_bench.analysis.comparability import metric_keys, unlike_components, unlike_data, unlike_sizes
from gath_bench.analysis.summarise import row_key
from gath_bench.results.columns import codes
from gath_bench.results.manifest import CellRecord, Manifest, MetricRecord
from gath_bench.results.reader import Run

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Joined:
    """Runs, joined where their samples are the same.

    Attributes:
        runs: the joined runs; each has its own tables.
        notes: why runs or columns are separate: one sentence each.
    """

    runs: list[Run]
    notes: list[str]


def join(runs: Sequence[Run]) -> Joined:
    """Join runs whose samples are the same; metrics with different keys get separate columns.

    A value that several runs have under the same keys is taken from the first of them.
    """
    groups: list[list[Run]] = []
    notes: list[str] = []
    for run in runs:
        apart: list[str] = []
        for group in groups:
            # Compare with every run of the group: the first may lack the data set on which two others differ.
            apart = [why for other in group for why in _apart(other.manifest, run.manifest)]
            if not apart:
                notes += [
                    f"{run.path} has separate columns beside {group[0].path}: {difference}."
                    for difference in unlike_components(
                        "metric", metric_keys(group[0].manifest), metric_keys(run.manifest)
                    )
                ]
                group.append(run)
                break
        else:
            groups.append([run])
            if apart:
                notes.append(f"{run.path} has separate tables: {'; '.join(apart)}.")
    return Joined([group[0] if len(group) == 1 else _joined(group) for group in groups], notes)


def stacked(
    runs: Sequence[Run], renamings: Sequence[dict[str, str]] | None = None
) -> tuple[list[Run], pa.Table]:
    """The runs with unique cell ids, and the observations of all of them.

    Args:
        runs: the runs.
        renamings: for each run new names of some of its metrics.
    """
    import pyarrow as pa

    renamed, tables = [], []
    for number, run in enumerate(runs):
        prefix = f"r{number}-"
        cells = [replace(cell, cell_id=prefix + cell.cell_id) for cell in run.manifest.cells]
        renamed.append(replace(run, manifest=replace(run.manifest, cells=cells)))
        names = renamings[number] if renamings else {}
        table = _with_words(run.unordered, "cell", lambda word, prefix=prefix: prefix + word)  # type: ignore[misc]
        tables.append(_with_words(table, "metric", lambda word, names=names: names.get(word, word)))  # type: ignore[misc]
    return renamed, pa.concat_tables(tables).unify_dictionaries().combine_chunks()


def _apart(first: Manifest, second: Manifest) -> list[str]:
    """Why two runs cannot share tables."""
    apart = [*unlike_data(first, second), *unlike_sizes(first.cells, second.cells)]
    if first.seed != second.seed and not any(why.startswith("seed") for why in apart):
        apart.append(f"seed: {first.seed} versus {second.seed}")
    if first.references != second.references:
        apart.append(f"reference models: {first.references} versus {second.references}")
    return apart


def _joined(group: Sequence[Run]) -> Run:
    records, renamings = _metrics(group)
    runs, table = stacked(group, renamings)
    cells: list[CellRecord] = []
    origins: dict[str, tuple[Path, str]] = {}
    taken: set[tuple[str, ...]] = set()
    for run, before, names in zip(runs, group, renamings, strict=True):
        for cell, old in zip(run.manifest.cells, before.manifest.cells, strict=True):
            kept = []
            for name in cell.metrics:
                key = row_key(before.manifest, old, before.manifest.metric(name))
                value = (cell.model, cell.model_key, cell.dataset_key, cell.split, cell.protocol, key)
                if value not in taken:
                    taken.add(value)
                    kept.append(names.get(name, name))
            if kept:
                device = old.device or before.manifest.device
                hardware = old.hardware or before.manifest.hardware
                cells.append(replace(cell, metrics=kept, device=device, hardware=hardware))
                origins[cell.cell_id] = before.origin(old)
    table = _only(table, {(cell.cell_id, metric) for cell in cells for metric in cell.metrics})
    first = group[0].manifest
    manifest = replace(
        first,
        metrics=list(records.values()),
        cells=_with_unique_models(cells),
        files={},
        status="finished" if all(run.manifest.status == "finished" for run in group) else "running",
    )
    return Run(group[0].path, manifest, table, origins)


def _metrics(group: Sequence[Run]) -> tuple[dict[str, MetricRecord], list[dict[str, str]]]:
    """The metrics of all runs by name, and for each run the metrics to rename, so that one name has one key."""
    records: dict[str, MetricRecord] = {}
    names: dict[str, str] = {}
    renamings = []
    for run in group:
        renaming = {}
        for record in run.manifest.metrics:
            name = names.setdefault(record.key, record.key if record.name in records else record.name)
            records.setdefault(name, replace(record, name=name))
            renaming[record.name] = name
        renamings.append(renaming)
    return records, renamings


def _with_unique_models(cells: list[CellRecord]) -> list[CellRecord]:
    """Models with one name and different keys are named by their keys."""
    keys: dict[str, set[str]] = {}
    for cell in cells:
        keys.setdefault(cell.model, set()).add(cell.model_key)
    return [replace(cell, model=cell.model_key) if len(keys[cell.model]) > 1 else cell for cell in cells]


def _with_words(table: pa.Table, name: str, rename: Callable[[str], str]) -> pa.Table:
    """The table with the words of one column renamed."""
    import pyarrow as pa

    column = table[name].combine_chunks()
    encoded = column if hasattr(column, "indices") else column.dictionary_encode()
    words = _strings([rename(word) for word in encoded.dictionary.to_pylist()])
    return table.set_column(
        table.schema.get_field_index(name), name, pa.DictionaryArray.from_arrays(encoded.indices, words)
    )


def _strings(words: Sequence[str]) -> pa.StringArray:
    """Words as an Arrow array, from its buffers: ``pa.array`` imports pandas, which takes longer than a comparison."""
    import pyarrow as pa

    encoded = [word.encode() for word in words]
    ends = np.cumsum([0, *map(len, encoded)], dtype=np.int32)
    return pa.StringArray.from_buffers(len(words), pa.py_buffer(ends), pa.py_buffer(b"".join(encoded)))


def _only(table: pa.Table, wanted: set[tuple[str, str]]) -> pa.Table:
    """The observations of some cells and metrics."""
    import pyarrow as pa

    (cells, cell_words), (metrics, metric_words) = (codes(table[name]) for name in ("cell", "metric"))
    keep = np.array([[(cell, metric) in wanted for metric in metric_words] for cell in cell_words], bool)
    kept = keep[cells, metrics]
    bits = pa.py_buffer(np.packbits(kept, bitorder="little"))  # as in `_strings`
    return table.filter(pa.BooleanArray.from_buffers(pa.bool_(), len(kept), [None, bits]))
