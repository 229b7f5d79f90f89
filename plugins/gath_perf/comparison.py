"""How much slower the code became between two records, separated from the load on the machine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gath_bench.errors import UsageError
from gath_perf.records import FLOOR, Reading, Record, why_not_comparable

_RESAMPLES = 400
_BLOCKS = 12


@dataclass(frozen=True)
class SpeedRatio:
    """One benchmark in two records.

    Attributes:
        name: the benchmark's name.
        before, after: the readings.
        ratio: duration after over before; 1.3 is 30 % slower. The median of the ratios relative to each
            reference workload.
        low, high: range of the ratio: the smallest lower and the largest upper bound of the 95 %
            block-bootstrap intervals of the ratios relative to each reference workload.
    """

    name: str
    before: Reading
    after: Reading
    ratio: float
    low: float
    high: float

    def is_slower(self, tolerance: float) -> bool:
        """Whether it is slower by more than a tolerance (0.1 is 10 %), whatever the load on the machine."""
        return self.low > 1 + tolerance

    def is_undecided(self, tolerance: float) -> bool:
        """Whether the records are too noisy to decide: the ratio exceeds the tolerance, its lower bound does not."""
        return self.ratio > 1 + tolerance >= self.low


def compare_records(before: Record, after: Record) -> list[SpeedRatio]:
    """The benchmarks that both records have.

    Raises:
        UsageError: the records are of different machines or setups, or have no benchmark in common.
    """
    reason = why_not_comparable(before, after)
    if reason:
        raise UsageError(
            f"{before.name} and {after.name} cannot be compared: {reason}. "
            "Measure both on one machine with the same options."
        )
    common = [name for name in before.readings if name in after.readings]
    return [_compare(name, before.readings[name], after.readings[name]) for name in common]


def _compare(name: str, before: Reading, after: Reading) -> SpeedRatio:
    rng = np.random.default_rng(0)
    shared = [work for work in before.references if work in after.references]
    if not shared:
        raise UsageError(f"the two records of {name} have no reference workload in common: measure again.")
    floors = [_relative_floors(reading, shared, rng) for reading in (before, after)]
    ratios = floors[1] / floors[0]  # the first row is the readings themselves, the others are resampled
    lows, highs = np.quantile(ratios[1:], [0.025, 0.975], axis=0)
    return SpeedRatio(name, before, after, float(np.median(ratios[0])), float(min(lows)), float(max(highs)))


def _relative_floors(reading: Reading, work: list[str], rng: np.random.Generator) -> NDArray[np.float64]:
    """Floor of the call over that of each workload: (1 + resamples, workloads)."""
    series = np.stack([reading.milliseconds, *(reading.references[name] for name in work)])
    # A disturbance lasts longer than one reading, so blocks of consecutive readings are resampled.
    blocks = np.array_split(np.arange(series.shape[1]), _BLOCKS)
    drawn = rng.integers(len(blocks), size=(_RESAMPLES, len(blocks)))
    picks = [np.concatenate([blocks[block] for block in chosen]) for chosen in (range(len(blocks)), *drawn)]
    floors = np.array([np.quantile(series[:, pick], FLOOR, axis=1) for pick in picks])
    relative: NDArray[np.float64] = floors[:, :1] / floors[:, 1:]
    return relative
