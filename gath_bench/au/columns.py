"""Find the AU columns of a CSV file and their AU space, by column name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gath_bench.au.spaces import SPACES, AUSpace, get_space, normalise_au
from gath_bench.errors import UsageError

_PLAIN = re.compile(r"^['\"]?AU[ _-]*\d{1,2}['\"]?$", re.IGNORECASE)
_INTENSITY = re.compile(r"^AU\d{1,2}_r$", re.IGNORECASE)
#: LibreFace.
_LIBREFACE = re.compile(r"^au_(?P<number>\d{1,2})_intensity$", re.IGNORECASE)
_OCCURRENCE = re.compile(r"^AU\d{1,2}_c$", re.IGNORECASE)


@dataclass(frozen=True)
class AUColumns:
    """The AU columns of a file.

    Attributes:
        space: the AU space of the file.
        by_label: label -> column, in the order of the space; without labels that the file does not have.
        high: the cell value of coefficient 1: 5 for the intensities of OpenFace and LibreFace, otherwise 1.
    """

    space: AUSpace
    by_label: dict[str, str]
    high: float


def find_au_columns(path: Path, header: Sequence[str], requested: AUSpace) -> AUColumns:
    """Recognise OpenFace's ``AU12_r``, LibreFace's ``au_12_intensity``, plain ``AU12``, ARKit and FaceWarehouse names.

    Plain names occur in several spaces: the result is the requested space if the file has all of its labels, otherwise
    the space with most labels in the file (the requested one on a tie).

    Raises:
        UsageError: the file has no AU columns, occurrences only, or two columns for one AU.
    """
    intensities = [name for name in header if _INTENSITY.match(name)]
    if intensities:
        names = _unique(path, {name: normalise_au(name) for name in intensities})
        return _pick(get_space("openface17"), names, high=5.0)
    libreface = {name: match["number"] for name in header if (match := _LIBREFACE.match(name))}
    if libreface:
        numbers = {name: normalise_au(number) for name, number in libreface.items()}
        return _pick(get_space("disfa12"), _unique(path, numbers), high=5.0)
    labels = {label.lower(): label for space in SPACES.values() for label in space.labels}
    spelled = {name: normalise_au(name) if _PLAIN.match(name) else name for name in header}
    names = _unique(
        path,
        {name: labels[text.lower()] for name, text in spelled.items() if text.lower() in labels},
    )
    if not names:
        raise UsageError(_no_columns(path, header))
    if names.keys() >= set(requested.labels):
        return _pick(requested, names, high=1.0)
    best = max(
        SPACES.values(),
        key=lambda space: (len(names.keys() & set(space.labels)), space.name == requested.name),
    )
    return _pick(best, names, high=1.0)


def _pick(space: AUSpace, names: dict[str, str], high: float) -> AUColumns:
    return AUColumns(space, {label: names[label] for label in space.labels if label in names}, high)


def _unique(path: Path, labels: dict[str, str]) -> dict[str, str]:
    names: dict[str, str] = {}
    for column, label in labels.items():
        if label in names:
            raise UsageError(
                f"{path} has two columns for {label}, {names[label]!r} and {column!r}: keep one of them."
            )
        names[label] = column
    return names


def _no_columns(path: Path, header: Sequence[str]) -> str:
    if any(_OCCURRENCE.match(name) for name in header):
        return f"{path} has AU occurrences (AU12_c) only: export AU intensities (AU12_r)."
    shown = ", ".join(header[:6]) + (", ..." if len(header) > 6 else "")
    return (
        f"{path} has no AU columns (it has {shown}): give a comma-separated file with columns such as "
        "AU12_r (OpenFace), AU12 or JawOpen (ARKit)."
    )
