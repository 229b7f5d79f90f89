"""Target AUs of a data set without AU labels: expressions, the rows of a CSV file, or a sweep."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path

from gath_bench.au import PRESETS, aus_to_vector, get_space, parse_aus, read_au_csv
from gath_bench.errors import UsageError

#: The presets of ``aus=basic``.
BASIC = ("happiness", "sadness", "surprise", "anger", "disgust", "fear")
#: The coefficients of a sweep, per AU.
SWEEP_LEVELS = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Target:
    """One target expression, requested for every portrait.

    Attributes:
        name: legal in a file name, unique among its targets, without ``--``.
        values: K coefficients in [0, 1], NaN where unknown; empty if not available.
        swept_au: the AU that a sweep varies.
        reason: why the values are not available; None if they are.
    """

    name: str
    values: tuple[float, ...]
    swept_au: str | None = None
    reason: str | None = None


def sweep(space: str) -> tuple[Target, ...]:
    """Each AU of a space alone, at each of `SWEEP_LEVELS`, all others at 0.

    >>> [target.name for target in sweep("openface17")[:2]]
    ['AU01-000', 'AU01-025']
    """
    labels = get_space(space).labels
    return tuple(
        Target(
            f"{label}-{round(level * 100):03d}",
            tuple(level if other == label else 0.0 for other in labels),
            swept_au=label,
        )
        for label in labels
        for level in SWEEP_LEVELS
    )


def parse_targets(text: str, space: str) -> tuple[Target, ...]:
    """Read target expressions separated by ``;``: ``basic``, or the notation of `gath_bench.au.parse_aus`.

    >>> [target.name for target in parse_targets("happiness*0.5; 6C+12D; AU12=0.6,AU06=0.4", "openface17")]
    ['happiness-0.5', '6C+12D', 'AU12-0.6+AU06-0.4']

    Raises:
        UsageError: an expression that cannot be read, or the same one twice.
    """
    items = [item.strip() for item in text.split(";") if item.strip()]
    if not items:
        raise UsageError("aus is empty: write aus=basic, aus=happiness or aus=6C+12D.")
    expanded = [name for item in items for name in (BASIC if item == "basic" else (item,))]
    targets: dict[str, Target] = {}
    for item in expanded:
        values = tuple(aus_to_vector(_read(item, space), space).tolist())
        target = Target(_slug(item), values)
        if target.name.lower() in targets:
            raise UsageError(f"aus has the target {item!r} twice: keep one of them.")
        targets[target.name.lower()] = target
    return tuple(targets.values())


def read_targets(path: Path, space: str) -> tuple[Target, ...]:
    """The rows of an AU CSV as targets, named by row number from 0.

    A row on which the tracker failed, or without any AU, becomes a target with a reason instead of values.

    Raises:
        UsageError: the file is not a CSV with AUs in their range, or none of its rows can be used.
    """
    series = read_au_csv(path, space)
    targets = []
    for row, values in enumerate(series.values.tolist()):
        reason = None
        if series.success is not None and not series.success[row]:
            reason = f"the face tracker failed on row {row} of {path.name}"
        elif all(math.isnan(value) for value in values):
            reason = f"row {row} of {path.name} has no AUs of {space}"
        targets.append(Target(f"row{row:05d}", () if reason else tuple(values), reason=reason))
    if all(target.reason for target in targets):
        raise UsageError(f"{path} has no usable row ({targets[0].reason}): give a file with AU values.")
    return tuple(targets)


def _read(item: str, space: str) -> dict[str, float]:
    """One expression of ``aus``: label -> coefficient."""
    if item.lower().endswith(".csv"):
        raise UsageError(f"aus={item} is a file: write csv={item} instead.")
    if item == "sweep" or "basic" in re.split(r"[+,]\s*", item):
        raise UsageError(
            f"aus={item}: separate basic from other targets by a semicolon (basic;6C+12D); give sweep alone."
        )
    names = [part.partition("*")[0].strip() for part in item.split(",")]
    if len(names) > 1 and all(name in PRESETS for name in names):
        # Before the notation was unified a comma separated targets here: never read such a list as one blend.
        raise UsageError(
            f"aus={item} joins presets with a comma: write {item.replace(',', ';')} for several targets, "
            f"or {item.replace(',', '+')} for one."
        )
    return parse_aus(item, space)


def _slug(item: str) -> str:
    plain = re.sub(r"[^A-Za-z0-9.+]+", "-", item.replace(" ", "").replace(",", "+")).strip("-.")
    return plain or "target"
