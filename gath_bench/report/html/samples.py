"""The long rows of a run, sample by sample: what distributions, control curves and the gallery are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gath_bench.contracts.metric import Summary

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

#: Reducers whose summary has a value for one sample as well: the observation, or the distance of two.
_OBSERVED = {"mean", "median", "p50", "p90", "p99", "max"}
_DISTANCE = {"mae"}


def has_sample_values(summary: Summary) -> bool:
    """Whether one sample by itself has a value of this summary; a correlation's has not."""
    return summary.reducer in _OBSERVED | _DISTANCE


class Samples:
    """The long rows, cut by cell, metric and observation once."""

    def __init__(self, rows: pa.Table) -> None:
        frame: pd.DataFrame = rows.to_pandas()
        cut = frame.groupby(["cell", "metric", "observation"], observed=True, sort=False)
        self._parts = {tuple(map(str, key)): part for key, part in cut}
        self._empty = frame.iloc[:0]
        lost = frame[frame["status"] != "ok"].groupby(["cell", "metric"], observed=True, sort=False)
        self._lost = {tuple(map(str, key)): part for key, part in lost}
        self._values: dict[tuple[str, str, str], pd.Series] = {}

    def part(self, cell: str, metric: str, observation: str) -> pd.DataFrame:
        """The rows of one observation in one cell; none if it was never observed."""
        return self._parts.get((cell, metric, observation), self._empty)

    def lost(self, cell: str, metric: str) -> pd.DataFrame:
        """The rows of a metric in a cell that have no value."""
        return self._lost.get((cell, metric), self._empty)

    def values(self, cell: str, metric: str, summary: Summary) -> pd.Series:
        """One value a sample, by sample id, averaged over AUs; without the samples that have none."""
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
        """The two inputs of a summary beside each other: ``sample_id``, ``au``, ``x`` and ``y``."""
        x, y = (self.part(cell, metric, name).reset_index(drop=True) for name in summary.inputs)
        together = x[["sample_id", "au"]].assign(x=x["value"])
        if len(x) == len(y) and x["sample_id"].equals(y["sample_id"]) and x["au"].equals(y["au"]):
            return together.assign(y=y["value"])  # as the engine writes them
        right = y[["sample_id", "au"]].assign(y=y["value"])
        merged: pd.DataFrame = together.merge(right, on=["sample_id", "au"])
        return merged
