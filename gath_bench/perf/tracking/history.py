"""Stored records, and what changed between two of them. Pure functions over pytest-benchmark's JSON files."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gath_bench.errors import UsageError

_RESAMPLES = 2000
_BLOCKS = 12


@dataclass(frozen=True)
class Reading:
    """One benchmark of a record.

    Attributes:
        key: component key of what was measured.
        images: images a call.
        milliseconds: (rounds,) the calls.
        relative: (rounds,) each call over the reference work measured just before it.
    """

    key: str
    images: int
    milliseconds: NDArray[np.float64]
    relative: NDArray[np.float64]


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
        before, after: median milliseconds.
        ratio: after over before, of the medians relative to the reference work: 1.3 is 30 % slower.
        low, high: 95 % block-bootstrap interval of the ratio.
    """

    name: str
    before: float
    after: float
    ratio: float
    low: float
    high: float

    def is_slower(self, tolerance: float) -> bool:
        """Whether even the lower end of the interval is slower by more than a tolerance (0.1 is 10 %)."""
        return self.low > 1 + tolerance


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
    drawn = []
    for reading in (before, after):
        # A disturbance outlasts a reading: what is resampled are stretches of time, not single readings.
        blocks = [np.median(part) for part in np.array_split(reading.relative, _BLOCKS)]
        drawn.append(np.median(rng.choice(blocks, size=(_RESAMPLES, _BLOCKS)), axis=1))
    low, high = np.quantile(drawn[1] / drawn[0], [0.025, 0.975])
    return Comparison(
        name,
        float(np.median(before.milliseconds)),
        float(np.median(after.milliseconds)),
        float(np.median(after.relative) / np.median(before.relative)),
        float(low),
        float(high),
    )


def _read(path: Path) -> Record:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        readings = {}
        for benchmark in content["benchmarks"]:
            milliseconds = 1000 * np.array(benchmark["stats"]["data"], dtype=np.float64)
            reference = np.array(benchmark["extra_info"]["reference_ms"], dtype=np.float64)
            readings[benchmark["name"]] = Reading(
                benchmark["extra_info"]["key"],
                benchmark["extra_info"]["images"],
                milliseconds,
                milliseconds / reference[-len(milliseconds) :],
            )
        commit = content.get("commit_info") or {}
        short = str(commit.get("id") or "unknown")[:10] + ("+" if commit.get("dirty") else "")
        return Record(path, path.stem, short, content["datetime"], content["machine_info"], readings)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{path} is no record of `gath-bench perf run` ({error!r}): move it away."
        ) from error
