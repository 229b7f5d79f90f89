"""Which values are comparable, and otherwise the part of their keys that differs, in words."""

from __future__ import annotations

from collections.abc import Iterable

from gath_bench.analysis.summarise import row_key
from gath_bench.analysis.summary_row import TableKey
from gath_bench.contracts.keys import ComponentKey
from gath_bench.results.manifest import CellRecord, Manifest


def metric_keys(manifest: Manifest, only: Iterable[str] = ()) -> set[str]:
    """The metric keys of a run's values; for a system metric with device and precision.

    Args:
        manifest: of the run.
        only: bare metric names; empty for all.
    """
    wanted = set(only)
    keys = {
        row_key(manifest, cell, manifest.metric(name)) for cell in manifest.cells for name in cell.metrics
    }
    return {key for key in keys if not wanted or ComponentKey.parse(key).name in wanted}


def unlike_components(kind: str, first: Iterable[str], second: Iterable[str]) -> list[str]:
    """For each name for which two runs have no key in common, the difference between their keys.

    >>> unlike_components("metric", ["lpips[trunk=alex]@1#aa", "ssim@1"], ["lpips[trunk=vgg]@1#aa", "psnr@1"])
    ['metric lpips: trunk: alex versus vgg']
    """
    mine, theirs = _by_name(first), _by_name(second)
    found = []
    for name in mine:
        if name in theirs and not set(mine[name]) & set(theirs[name]):
            difference = ComponentKey.parse(mine[name][0]).difference(ComponentKey.parse(theirs[name][0]))
            found.append(f"{kind} {name}: {difference}")
    return found


def unlike_data(first: Manifest, second: Manifest) -> list[str]:
    """The differences between the samples of two runs that have data sets with one name."""
    found = unlike_components("data set", *([c.dataset_key for c in m.cells] for m in (first, second)))
    shared = {c.dataset_key for c in first.cells} & {c.dataset_key for c in second.cells}
    for key in sorted(shared):
        name = ComponentKey.parse(key).name
        for part in ("split", "protocol"):
            mine, theirs = (
                sorted({getattr(c, part) for c in m.cells if c.dataset_key == key}) for m in (first, second)
            )
            if not set(mine) & set(theirs):
                found.append(f"data set {name}: {part}: {', '.join(mine)} versus {', '.join(theirs)}")
    if shared and first.seed != second.seed:
        found.append(f"seed: {first.seed} versus {second.seed}, which selects other samples")
    return found


def unlike_models(first: Manifest, second: Manifest) -> list[str]:
    """Models with one name and different keys."""
    mine, theirs = ({cell.model: cell.model_key for cell in m.cells} for m in (first, second))
    return [
        f"model {name}: {ComponentKey.parse(mine[name]).difference(ComponentKey.parse(theirs[name]))}"
        for name in mine
        if name in theirs and mine[name] != theirs[name]
    ]


def unlike_sizes(first: Iterable[CellRecord], second: Iterable[CellRecord]) -> list[str]:
    """Tables for which two runs have different numbers of samples."""
    mine, theirs = ({TableKey.of(cell): cell.samples for cell in cells} for cells in (first, second))
    return [
        f"{key.dataset} under {key.protocol}: {mine[key]} versus {theirs[key]} samples"
        for key in mine
        if key in theirs and mine[key] != theirs[key]
    ]


def _by_name(keys: Iterable[str]) -> dict[str, list[str]]:
    named: dict[str, list[str]] = {}
    for key in sorted(set(keys)):
        named.setdefault(ComponentKey.parse(key).name, []).append(key)
    return named
