"""Stored records: pytest-benchmark's JSON files, where they are, and which of them can be compared."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gath_bench.errors import UsageError

#: Quantile of the readings that counts as the time of an undisturbed call. A disturbance only lengthens a
#: reading, so the low end shows the code itself; the minimum alone is too noisy.
FLOOR = 0.02


@dataclass(frozen=True)
class Reading:
    """One benchmark of a record.

    Attributes:
        key: component key of what was measured.
        images: images per call.
        peak_memory_mb: peak of a call including weights, in 10^6 bytes; None where the system does not report it.
        milliseconds: (rounds,) duration of each call.
        references: workload name -> (rounds,) milliseconds per unit, measured in turn with the calls.
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
    """One ``perf run``: file, number and name, commit, time, machine, and readings by benchmark name."""

    path: Path
    name: str
    commit: str
    when: str
    machine: dict[str, Any]
    readings: dict[str, Reading]


def read_records(folders: Iterable[Path]) -> list[Record]:
    """All records of some folders and their subfolders, oldest first. A folder that does not exist is empty.

    Raises:
        UsageError: a JSON file there is not a record.
    """
    paths = {path.resolve(): path for folder in folders for path in folder.rglob("*.json")}
    return sorted(map(_read, paths.values()), key=lambda record: (record.when, record.name, record.path))


def find_record(records: Sequence[Record], which: str) -> Record:
    """A record by number (``0001``), by full name (``0001_baseline``), or from the end (``-1`` is the newest).

    Args:
        records: at least one record, oldest first.
        which: the number, name or place.

    Raises:
        UsageError: no record, or more than one, matches.
    """
    if which.startswith("-") and which[1:].isdecimal() and 1 <= int(which[1:]) <= len(records):
        return records[-int(which[1:])]
    found = [record for record in records if which in (record.name, record.name.partition("_")[0])]
    if len(found) == 1:
        return found[0]
    if found:
        paths = ", ".join(str(record.path) for record in found)
        raise UsageError(f"{which!r} is the number or name of {len(found)} records ({paths}): use --storage.")
    names = ", ".join(record.name for record in records[-5:])
    raise UsageError(f"there is no record {which!r}; the newest are {names}.")


def machine_difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> str | None:
    """How two machine descriptions differ, such as ``"threads: 1 versus 8"``; None if they are equal.

    >>> machine_difference({"cpu": "a", "threads": 1}, {"cpu": "a", "threads": 8})
    'threads: 1 versus 8'
    """
    differences = [
        f"{name}: {before.get(name)} versus {after.get(name)}"
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    ]
    return "; ".join(differences) or None


def why_not_comparable(before: Record, after: Record) -> str | None:
    """Why two records cannot be compared; None if they can."""
    difference = machine_difference(before.machine, after.machine)
    if difference:
        return f"measured on another machine or setup ({difference})"
    if not before.readings.keys() & after.readings.keys():
        return "no benchmark in common"
    return None


@dataclass(frozen=True)
class Pair:
    """The records that ``perf compare`` selects.

    Attributes:
        before, after: the older and the newer record.
        skipped: newer records than ``before`` that were not selected, each with the reason.
    """

    before: Record
    after: Record
    skipped: tuple[tuple[Record, str], ...]


def newest_pair(records: Sequence[Record], hardware: Mapping[str, Any]) -> Pair:
    """The newest record of this machine, and the newest earlier one that is comparable with it.

    Args:
        records: oldest first.
        hardware: this machine's ``gath_bench.perf.describe_hardware()``; records with other values of these
            fields are skipped.

    Raises:
        UsageError: there is no such pair; the message gives the reason for each record.
    """
    skipped: list[tuple[Record, str]] = []
    after: Record | None = None
    for record in reversed(records):
        here = {name: value for name, value in hardware.items() if name in record.machine}
        difference = machine_difference({name: record.machine[name] for name in here}, here)
        if difference:
            skipped.append((record, f"measured on another machine ({difference})"))
        elif after is None:
            after = record
        elif reason := why_not_comparable(record, after):
            skipped.append((record, reason))
        else:
            return Pair(record, after, tuple(skipped))
    reasons = "".join(f"; skipped {record.name}: {reason}" for record, reason in skipped)
    found = f"only {after.name}" if after else "no record"
    raise UsageError(
        f"comparing needs two comparable records of this machine, and there is {found}: "
        f"`gath-bench perf run` writes one{reasons}."
    )


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
                {name: _numbers(text) for name, text in extra["reference_ms"].items()},
            )
        commit = content.get("commit_info") or {}
        short = str(commit.get("id") or "unknown")[:10] + ("+" if commit.get("dirty") else "")
        return Record(
            path, path.stem, short, str(content["datetime"]), dict(content["machine_info"]), readings
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"{path} is not a record of `gath-bench perf run` ({error!r}): move it to another folder."
        ) from error


def _numbers(text: str) -> NDArray[np.float64]:
    return np.array(text.split(), dtype=np.float64)
