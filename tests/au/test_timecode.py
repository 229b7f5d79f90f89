"""Timecodes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gath_bench.au.timecode import parse_timecode


@given(
    st.integers(0, 23),
    st.integers(0, 59),
    st.integers(0, 59),
    st.integers(0, 29),
    st.sampled_from([30.0, 60.0]),
)
def test_timecodes_count_seconds(h: int, m: int, s: int, frame: int, fps: float) -> None:
    seconds = parse_timecode(f"{h:02d}:{m:02d}:{s:02d}:{frame:02d}.250", fps)
    assert seconds == pytest.approx(h * 3600 + m * 60 + s + (frame + 0.25) / fps)
