"""Timecodes of Live Link Face: ``HH:MM:SS:FF.sub``."""

from __future__ import annotations

import re
from collections.abc import Sequence

from gath_bench.errors import UsageError

_TIMECODE = re.compile(r"^(\d{1,2}):([0-5]?\d):([0-5]?\d)[:;](\d+(?:\.\d+)?)$")
DAY = 24 * 60 * 60
#: Frame rates of recordings; Live Link Face's own is 60.
_RATES = (24.0, 25.0, 30.0, 48.0, 50.0, 60.0)
_DEFAULT_RATE = 60.0
_FEW = 10


def timecode_rate(timecodes: Sequence[str]) -> float:
    """Frames per second of a recording: the lowest rate that its frame numbers fit into.

    The highest frame number shows where one second passes into the next. A recording within one second, or of a few
    rows, does not tell; it is taken as 60.

    >>> timecode_rate([f"00:00:01:{frame}" for frame in range(30)] + ["00:00:02:00.5"])
    30.0
    """
    matches = [match for match in map(_TIMECODE.match, (text.strip() for text in timecodes)) if match]
    if len({match[3] for match in matches}) < 2 or len(matches) < _FEW:
        return _DEFAULT_RATE
    highest = max(int(float(match[4])) for match in matches)
    return next((rate for rate in _RATES if highest < rate), _DEFAULT_RATE)


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
