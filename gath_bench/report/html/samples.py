"""Values per sample, for distributions, control curves and the gallery."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gath_bench.contracts.metric import Summary

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

#: Reducers whose summary is defined for a single sample: the observation, or the distance of two.
_OBSERVED = {"mean", "median", "p50", "p90", "p99", "max"}
_DISTANCE = {"mae"}


def has_sample_values(summary: Summary) -> bool:
    """Whether the summary is defined for a single sample; a correlation is not."""
    return summary.reducer in _OBSERVED | _DISTANCE


class Samples:
    """The observations of a run, grouped by cell, metric and observation."""

    def __init__(self, rows: pa.Table) -> None:
        observations: pd.DataFrame = rows.to_pandas()
        groups = observations.groupby(["cell", "metric", "observation"], observed=True, sort=False)
        self._parts = {tuple(map(str, key)): part for key, part in groups}
        self._empty = observations.iloc[:0]
        lost = observations[observations["status"] != "ok"].groupby(
            ["cell", "metric"], observed=True, sort=False
        )
        self._lost = {tuple(map(str, key)): part for key, part in lost}
        self._values: dict[tuple[str, str, str], pd.Series] = {}

    def part(self, cell: str, metric: str, observation: str) -> pd.DataFrame:
        """The values of one observation in one cell; empty if there are none."""
        return self._parts.get((cell, metric, observation), self._empty)

    def lost(self, cell: str, metric: str) -> pd.DataFrame:
        """The observations of a metric in a cell that have no value."""
        return self._lost.get((cell, metric), self._empty)

    def values(self, cell: str, metric: str, summary: Summary) -> pd.Series:
        """One value per sample, indexed by sample id, averaged over AUs; without samples that have no value."""
        name = cell, metric, summary.name
        if name not in self._values:
            self._values[name] = self._measured(cell, metric, summary)
        return self._values[name]

    def _measured(self, cell: str, metric: str, summary: Summary) -> pd.Series:
        if summary.reducer in _DISTANCE:
            pairs = self.pairs(cell, metric, summary)
            distance = (pairs["x"] - pairs["y"]).abs()
            return distance.groupby(pairs["sample_id"], sort=False).mean().dropna()
        part = self.part(cell, metric, summary.inputs[0])
        return part["value"].groupby(part["sample_id"], sort=False).mean().dropna()

    def pairs(self, cell: str, metric: str, summary: Summary) -> pd.DataFrame:
        """The two inputs of a summary: columns ``sample_id``, ``au``, ``x`` and ``y``."""
        x, y = (self.part(cell, metric, name).reset_index(drop=True) for name in summary.inputs)
        together = x[["sample_id", "au"]].assign(x=x["value"])
        if len(x) == len(y) and x["sample_id"].equals(y["sample_id"]) and x["au"].equals(y["au"]):
            return together.assign(y=y["value"])  # the order that the engine writes
        right = y[["sample_id", "au"]].assign(y=y["value"])
        merged: pd.DataFrame = together.merge(right, on=["sample_id", "au"])
        return merged
