"""Timing: the number of readings, the warm-up, the unit, and the order."""

from __future__ import annotations

import statistics
import time

import pytest

from gath_bench.perf import time_calls


def test_the_number_of_readings_is_within_the_given_bounds():
    assert len(time_calls(lambda: None, seconds=0, least=4)) == 4
    assert len(time_calls(lambda: None, seconds=10, least=1, most=7)) == 7


def test_warm_up_calls_are_not_readings():
    calls = []
    readings = time_calls(lambda: calls.append(None), seconds=0, warmup=3, least=2)
    assert len(calls) == 5
    assert len(readings) == 2


def test_readings_are_milliseconds_within_the_elapsed_time():
    start = time.perf_counter()
    readings = time_calls(lambda: time.sleep(0.005), seconds=0, warmup=0, least=5)
    passed = 1000 * (time.perf_counter() - start)
    assert passed / 2 < sum(readings) < passed


def test_a_longer_call_has_longer_readings():
    short = time_calls(lambda: time.sleep(0.001), seconds=0, least=5)
    long = time_calls(lambda: time.sleep(0.02), seconds=0, least=5)
    assert statistics.median(long) > statistics.median(short)


@pytest.mark.parametrize(("least", "most"), [(0, 5), (6, 5)])
def test_contradictory_bounds_are_refused(least, most):
    with pytest.raises(ValueError, match="least"):
        time_calls(lambda: None, least=least, most=most)


def test_an_exception_in_the_call_is_raised():
    def broken():
        raise KeyError("x")

    with pytest.raises(KeyError):
        time_calls(broken)
