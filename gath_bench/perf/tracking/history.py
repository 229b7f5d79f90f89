"""Stored records, and what changed between two of them. Pure functions over pytest-benchmark's JSON files."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gath_bench.errors import UsageError

#: The share of readings below the floor. What disturbs a reading only ever lengthens it, so the low end is where
#: the code itself shows; the very least reading is luck.
FLOOR = 0.02
_RESAMPLES = 400
_BLOCKS = 12


@dataclass(frozen=True)
class Reading:
    """One benchmark of a record.

    Attributes:
        key: component key of what was measured.
        images: images a call.
        peak_memory_mb: of a call with its weights; None where the system does not tell.
        milliseconds: (rounds,) the calls.
        references: name -> (rounds,) milliseconds a unit of the reference work measured in turn with the calls.
    """

    key: str
    images: int
    peak_memory_mb: float | None
    milliseconds: NDArray[np.float64]
    references: dict[str, NDArray[np.float64]]

    @property
    def floor(self) -> float:
        """Milliseconds of an undisturbed call."""
        return float(np.quantile(self.milliseconds, FLOOR))

    @property
    def images_per_s(self) -> float:
        """Throughput of undisturbed calls."""
        return 1000 * self.images / self.floor


@dataclass(frozen=True)
class Record:
    """One stored ``perf run``: its number and name, commit, machine and readings by benchmark name."""

    path: Path
    name: str
    commit: str
    when: str
    machine: dict[str, Any]
    readings: dict[str, Reading]


@dataclass(frozen=True)
class Comparison:
    """One benchmark in two records.

    Attributes:
        name: of the benchmark.
        before, after: the readings.
        ratio: after over before; 1.3 is 30 % slower. The middle one of the ratios to the pieces of reference work.
        low, high: what the ratio may be: from the least to the greatest of the ratios relative to each piece
            of reference work, each with its 95 % block-bootstrap interval.
    """

    name: str
    before: Reading
    after: Reading
    ratio: float
    low: float
    high: float

    def is_slower(self, tolerance: float) -> bool:
        """Whether it is slower by more than a tolerance (0.1 is 10 %), whatever the machine did."""
        return self.low > 1 + tolerance

    def may_be_slower(self, tolerance: float) -> bool:
        """Whether the machine was too restless to tell: the middle is beyond the tolerance, the low end is not."""
        return self.ratio > 1 + tolerance >= self.low


def read_records(storage: Path) -> list[Record]:
    """All records of a storage folder, oldest first.

    Raises:
        UsageError: a file there is no record.
    """
    return [
        _read(path) for path in sorted(storage.rglob("*.json"), key=lambda path: (path.name, path.parent))
    ]


def find_record(storage: Path, which: str) -> Record:
    """A record by number (``0001``), by full name, or by place from the end (``-1`` is the last).

    Raises:
        UsageError: there is no such record.
    """
    records = read_records(storage)
    if not records:
        raise UsageError(f"{storage} holds no record: `gath-bench perf run` writes one.")
    if which.startswith("-") and which[1:].isdecimal() and 1 <= int(which[1:]) <= len(records):
        return records[-int(which[1:])]
    for record in records:
        if which in (record.name, record.name.partition("_")[0]):
            return record
    names = ", ".join(record.name for record in records[-5:])
    raise UsageError(f"{storage} holds no record {which!r}; the last are {names}.")


def compare_records(before: Record, after: Record) -> list[Comparison]:
    """The benchmarks that both records hold.

    Raises:
        UsageError: the records are of unlike machines, or have nothing in common.
    """
    unlike = [
        f"{name}: {before.machine.get(name)} versus {after.machine.get(name)}"
        for name in sorted({*before.machine, *after.machine})
        if before.machine.get(name) != after.machine.get(name)
    ]
    if unlike:
        raise UsageError(
            f"{before.name} and {after.name} are of unlike machines ({'; '.join(unlike)}): "
            "measure both on one machine."
        )
    common = [name for name in before.readings if name in after.readings]
    if not common:
        raise UsageError(f"{before.name} and {after.name} have no benchmark in common.")
    return [_compare(name, before.readings[name], after.readings[name]) for name in common]


def _compare(name: str, before: Reading, after: Reading) -> Comparison:
    rng = np.random.default_rng(0)
    shared = [piece for piece in before.references if piece in after.references]
    if not shared:
        raise UsageError(f"the two records of {name} were taken beside unlike reference work: measure again.")
    floors = [_floors(reading, shared, rng) for reading in (before, after)]
    ratios = floors[1] / floors[0]  # the first row is the readings themselves, the others are resampled
    lows, highs = np.quantile(ratios[1:], [0.025, 0.975], axis=0)
    return Comparison(name, before, after, float(np.median(ratios[0])), float(min(lows)), float(max(highs)))


def _floors(reading: Reading, pieces: list[str], rng: np.random.Generator) -> NDArray[np.float64]:
    """Floors of the call relative to those of each piece: (1 + resamples, pieces)."""
    series = np.stack([reading.milliseconds, *(reading.references[piece] for piece in pieces)])
    # A disturbance outlasts a reading: what is resampled are stretches of time, not single readings.
    blocks = np.array_split(np.arange(series.shape[1]), _BLOCKS)
    drawn = rng.integers(len(blocks), size=(_RESAMPLES, len(blocks)))
    picks = [np.concatenate([blocks[block] for block in chosen]) for chosen in (range(len(blocks)), *drawn)]
    floors = np.array([np.quantile(series[:, pick], FLOOR, axis=1) for pick in picks])
    relative: NDArray[np.float64] = floors[:, :1] / floors[:, 1:]
    return relative


def _read(path: Path) -> Record:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        readings = {}
        for benchmark in content["benchmarks"]:
            extra = benchmark["extra_info"]
            readings[benchmark["name"]] = Reading(
                extra["key"],
                extra["images"],
                extra["peak_memory_mb"],
                _numbers(extra["call_ms"]),
                {piece: _numbers(text) for piece, text in extra["reference_ms"].items()},
            )
        commit = content.get("commit_info") or {}
        short = str(commit.get("id") or "unknown")[:10] + ("+" if commit.get("dirty") else "")
        return Record(path, path.stem, short, content["datetime"], content["machine_info"], readings)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"{path} is no record of `gath-bench perf run` ({error!r}): move it away."
        ) from error


def _numbers(text: str) -> NDArray[np.float64]:
    return np.array(text.split(), dtype=np.float64)
