"""Target AUs of a data set that has none of its own: presets, named AUs, a CSV, or a sweep."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path

from gath_bench.au import PRESETS, from_named, get_space, parse_named, preset, read_au_csv
from gath_bench.errors import UsageError, did_you_mean

#: What ``aus=basic`` stands for.
BASIC = ("happiness", "sadness", "surprise", "anger", "disgust", "fear")
#: The coefficients at which a sweep stops, AU by AU.
SWEEP_LEVELS = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Target:
    """One expression that is asked of every portrait.

    Attributes:
        name: legal in a file name, unique among its targets, without ``--``.
        values: K coefficients in [0, 1], NaN where unknown; empty if there are none.
        swept_au: the one AU that a sweep moves.
        reason: why there are no values, if there are none.
    """

    name: str
    values: tuple[float, ...]
    swept_au: str | None = None
    reason: str | None = None


def sweep(space: str) -> tuple[Target, ...]:
    """Each AU of a space by itself, at each of `SWEEP_LEVELS`, all others at 0.

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
    """Read ``basic``, or a comma-separated list of presets and of named AUs joined by ``+``.

    A preset may carry a strength, ``happiness*0.5``; named AUs are FACS intensities from 0 to 5,
    ``AU12=3+AU06=2``.

    >>> [target.name for target in parse_targets("happiness*0.5, AU12=3+AU06=2", "openface17")]
    ['happiness-0.5', 'AU12-3+AU06-2']

    Raises:
        UsageError: an unknown preset or AU, an intensity out of range, or the same target twice.
    """
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts:
        raise UsageError("aus is empty: write aus=basic, aus=happiness or aus=AU12=3+AU06=2.")
    expanded = [item for part in parts for item in (BASIC if part == "basic" else (part,))]
    targets: dict[str, Target] = {}
    for item in expanded:
        named = parse_named(item.replace("+", ",")) if "=" in item else _preset(item)
        name = _slug(item)
        if name in targets:
            raise UsageError(f"aus has the target {item!r} twice: keep one of them.")
        targets[name] = Target(name, tuple(from_named(named, space).tolist()))
    return tuple(targets.values())


def read_targets(path: Path, space: str) -> tuple[Target, ...]:
    """Every row of an AU CSV as a target, named by its row from 0.

    A row on which the tracker failed, or without any AU, keeps its place and says why it has no values.

    Raises:
        UsageError: not a CSV with AUs in their range, or one in which no row can be used.
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


def _preset(item: str) -> dict[str, float]:
    name, star, strength = (part.strip() for part in item.partition("*"))
    if name not in PRESETS:
        if name.lower().endswith(".csv"):
            raise UsageError(f"aus={item} is a file: write csv={item} instead.")
        raise UsageError(
            f"aus={item} is neither a preset nor AUs by name such as AU12=3+AU06=2: "
            f"{did_you_mean(name, [*PRESETS, 'basic', 'sweep'])}"
        )
    if not star:
        return preset(name)
    try:
        return preset(name, float(strength))
    except ValueError:
        raise UsageError(f"aus={item} has no number after the star: write {name}*0.5.") from None


def _slug(item: str) -> str:
    plain = re.sub(r"[^A-Za-z0-9.+]+", "-", item.replace(" ", "")).strip("-.")
    return plain or "target"
