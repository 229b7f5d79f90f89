"""Readings of time: as many as asked for, after the warm-up, and in the right order."""

from __future__ import annotations

import statistics
import time

import pytest

from gath_bench.perf import time_calls


def test_there_are_at_least_and_at_most_as_many_readings_as_asked_for():
    assert len(time_calls(lambda: None, seconds=0, least=4)) == 4
    assert len(time_calls(lambda: None, seconds=10, least=1, most=7)) == 7


def test_the_warm_up_is_not_read():
    calls = []
    readings = time_calls(lambda: calls.append(None), seconds=0, warmup=3, least=2)
    assert len(calls) == 5
    assert len(readings) == 2


def test_the_readings_are_milliseconds_out_of_the_time_that_passed():
    start = time.perf_counter()
    readings = time_calls(lambda: time.sleep(0.005), seconds=0, warmup=0, least=5)
    passed = 1000 * (time.perf_counter() - start)
    assert passed / 2 < sum(readings) < passed


def test_a_longer_call_reads_longer():
    short = time_calls(lambda: time.sleep(0.001), seconds=0, least=5)
    long = time_calls(lambda: time.sleep(0.02), seconds=0, least=5)
    assert statistics.median(long) > statistics.median(short)


@pytest.mark.parametrize(("least", "most"), [(0, 5), (6, 5)])
def test_a_count_that_cannot_be_is_refused(least, most):
    with pytest.raises(ValueError, match="least"):
        time_calls(lambda: None, least=least, most=most)


def test_what_a_call_raises_is_passed_on():
    def broken():
        raise KeyError("x")

    with pytest.raises(KeyError):
        time_calls(broken)
