"""Timecodes of Live Link Face: ``HH:MM:SS:FF.sub``."""

from __future__ import annotations

import re

from gath_bench.errors import UsageError

_TIMECODE = re.compile(r"^(\d{1,2}):([0-5]?\d):([0-5]?\d)[:;](\d+(?:\.\d+)?)$")
DAY = 24 * 60 * 60


def parse_timecode(text: str, fps: float) -> float:
    """Seconds since midnight.

    The last field counts frames within the second, with a fraction. ``;`` before it (drop-frame notation) is read like
    ``:``.

    >>> parse_timecode("00:01:02:30.5", fps=60)
    62.50833333333333

    Raises:
        UsageError: the text is not a timecode, or its frame number is not below ``fps``.
    """
    match = _TIMECODE.match(text.strip())
    if match is None:
        raise UsageError(f"{text!r} is not a timecode: write HH:MM:SS:FF.sub.")
    hours, minutes, seconds = (int(part) for part in match.groups()[:3])
    frame = float(match[4])
    if int(frame) >= fps:
        raise UsageError(
            f"the timecode {text!r} has frame {int(frame)} at {fps:g} frames per second: "
            "pass the frame rate of the recording as fps."
        )
    return hours * 3600 + minutes * 60 + seconds + frame / fps
