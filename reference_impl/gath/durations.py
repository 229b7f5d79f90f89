"""Durations as text."""

from __future__ import annotations


def format_duration(seconds: float) -> str:
    """A duration for people.

    >>> format_duration(42), format_duration(600), format_duration(7500)
    ('42 s', '10 min', '2 h 05 min')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"
