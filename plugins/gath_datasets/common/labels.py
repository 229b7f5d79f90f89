"""Readers of label files. Every error names the file and the line."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from gath_bench.au import apply, find_map
from gath_bench.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: Cells, in lower case, that mean "unknown".
_UNKNOWN = {"", "nan", "na", "none"}


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Number, counted from 1, and text of each line that is not blank.

    Raises:
        UsageError: the file cannot be read or is not UTF-8 text.
    """
    try:
        with path.open(encoding="utf-8-sig") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield number, line.strip()
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}; check the path.") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not a text file in UTF-8: download it again.") from error


def read_fields(
    path: Path, columns: Sequence[str], *, separator: str | None = None, skip: int = 0
) -> Iterator[tuple[int, list[str]]]:
    """Line number and fields of each line of a file without a header.

    Args:
        path: the file.
        columns: the names of the fields, for messages. Further fields are ignored.
        separator: between fields; None is any run of blanks.
        skip: the number of lines at the top that are not data.

    Raises:
        UsageError: the file cannot be read, has no lines, or a line has fewer fields than columns.
    """
    empty = True
    for number, line in read_lines(path):
        if number <= skip:
            continue
        empty = False
        fields = [field.strip() for field in line.split(separator)]
        if len(fields) < len(columns):
            raise UsageError(
                f"{path}, line {number} has {len(fields)} of {len(columns)} columns ({', '.join(columns)}): "
                "the file is damaged or truncated; download it again."
            )
        yield number, fields
    if empty:
        raise UsageError(f"{path} has no rows: download it again.")


def coefficient(text: str | float, high: float, place: str) -> float:
    """An AU label as a coefficient in [0, 1]; NaN for an empty cell or ``nan``.

    Args:
        text: the cell.
        high: the label that is coefficient 1: 5 for FACS intensities, 1 for presence.
        place: file, line and AU, for messages.

    >>> coefficient("3", 5, "a.txt, line 1, AU12")
    0.6

    Raises:
        UsageError: not a number in [0, ``high``].
    """
    if isinstance(text, str) and text.lower() in _UNKNOWN:
        return math.nan
    try:
        value = float(text)
    except ValueError:
        raise UsageError(
            f"{place}: {text!r} is not a number; correct the label, or write nan if it is unknown."
        ) from None
    if math.isnan(value):
        return math.nan
    if not 0 <= value <= high:
        raise UsageError(f"{place}: {text} is outside [0, {high:g}]; correct the label, or write nan.")
    return value / high


def add_once(seen: dict[str, int], key: str, path: Path, line: int) -> None:
    """Record the line of a key.

    Raises:
        UsageError: the key was recorded before.
    """
    if key in seen:
        raise UsageError(f"{path} lists {key} twice, on lines {seen[key]} and {line}: keep one of them.")
    seen[key] = line


def inside(text: str, path: Path, line: int) -> str:
    """A file name of a label file, with slashes; it may not lead out of the data set's folder.

    >>> inside("689/a.jpg", Path("training.csv"), 2)
    '689/a.jpg'

    Raises:
        UsageError: the name is empty, absolute, or has ``..`` in it.
    """
    name = PurePosixPath(text.replace("\\", "/"))
    if not name.parts or name.is_absolute() or ".." in name.parts or ":" in name.parts[0]:
        raise UsageError(f"{path}, line {line}: {text!r} is not a file below the folder of the data set.")
    return name.as_posix()


def in_space(values: NDArray[np.float32], source: str, target: str) -> NDArray[np.float32]:
    """AU coefficients (N, K) of one AU space in another; NaN where it has no corresponding label.

    Raises:
        UsageError: there is no map between the two.
    """
    mapped: NDArray[np.float32] = apply(find_map(source, target), values)
    return mapped
