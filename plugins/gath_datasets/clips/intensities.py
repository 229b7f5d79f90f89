"""FACS intensities per frame: text files of ``frame,intensity`` lines, one file per clip and AU."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from gath_bench.errors import UsageError
from gath_datasets.common.labels import add_once, coefficient, read_fields

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: The highest FACS intensity (E).
HIGHEST = 5
#: Rows beyond the last frame that are left out, as a share of the frames; with more, the labels are of another video.
_BEYOND = 0.01


def read_intensities(path: Path, *, unknown: str | None = None) -> dict[int, float]:
    """Frame number -> coefficient in [0, 1]; NaN for an unknown intensity.

    Args:
        path: the file, without a header.
        unknown: an intensity that means "not coded", besides ``nan`` and an empty field.

    Raises:
        UsageError: the file cannot be read, a line has too few columns, a frame number is not a whole number or
            occurs twice, or an intensity is not a number from 0 to 5.
    """
    values: dict[int, float] = {}
    lines: dict[str, int] = {}
    for line, (frame, intensity, *_) in read_fields(path, ("frame", "intensity"), separator=","):
        if not frame.isdecimal():
            raise UsageError(f"{path}, line {line}: {frame!r} is not a frame number; correct the line.")
        add_once(lines, str(int(frame)), path, line)
        if intensity == unknown:
            values[int(frame)] = math.nan
        else:
            values[int(frame)] = coefficient(intensity, HIGHEST, f"{path}, line {line}")
    return values


def check_beyond(last: int, end: int, count: int, what: str) -> None:
    """Refuse labels that go further than the frames; up to 1 % of the frames (at least two) may be missing.

    Args:
        last: the last frame with a label.
        end: the last frame.
        count: the number of frames.
        what: the name of the labels in messages.

    Raises:
        UsageError: more frames are missing.
    """
    if last - end > max(2, _BEYOND * count):
        raise UsageError(
            f"{what} go to frame {last}, {last - end} frames after the end of the video (frame {end}): the labels are "
            "of another video, or frames are missing. Download both again."
        )


def fit_to_frames(
    by_au: Mapping[str, Mapping[int, float]], labels: tuple[str, ...], first: int, count: int, what: str
) -> NDArray[np.float32]:
    """Coefficients of every frame of a clip.

    Args:
        by_au: AU -> frame number -> coefficient.
        labels: the AUs of the result.
        first: the number of the first frame.
        count: the number of frames.
        what: the name of the labels in messages.

    Returns:
        float32 (count, K); NaN where there is no row. Up to 1 % of rows beyond the last frame (at least two) are left
        out.

    Raises:
        UsageError: more rows are beyond the last frame.
    """
    import numpy as np

    last = max((max(rows) for rows in by_au.values() if rows), default=first)
    check_beyond(last, first + count - 1, count, what)
    aus = np.full((count, len(labels)), np.nan, dtype=np.float32)
    for column, label in enumerate(labels):
        for frame, value in by_au.get(label, {}).items():
            if first <= frame < first + count:
                aus[frame - first, column] = value
    return aus
