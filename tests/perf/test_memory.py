"""Peak memory: a call that allocates more has a larger reading, also when it is repeated."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from gath_bench.errors import Unavailable
from gath_bench.perf import measure_peak_memory, memory, parameter_bytes, parameter_count

MB = 1_000_000


def hold(megabytes):
    return lambda: torch.ones(megabytes * MB // 4).sum()


def peak(call):
    try:
        return measure_peak_memory(call).bytes
    except Unavailable as error:
        pytest.skip(str(error))


def test_a_larger_allocation_has_a_larger_reading_every_time():
    for _ in range(3):
        small, large = peak(hold(20)), peak(hold(120))
        assert large - small > 50 * MB


def test_memory_freed_before_the_call_does_not_count():
    hold(300)()
    assert peak(hold(20)) < 150 * MB


def test_many_small_allocations_count_too():
    def pieces():
        return [torch.ones(10_000) for _ in range(2000)]  # 80 MB on the heap

    pieces()
    assert peak(pieces) > 40 * MB


def test_a_system_without_peak_memory_is_unavailable(monkeypatch, tmp_path):
    monkeypatch.setattr(memory, "_CLEAR", tmp_path / "no" / "such" / "file")
    with pytest.raises(Unavailable, match="does not report"):
        measure_peak_memory(lambda: None)


def test_shared_weights_count_once():
    class Model:
        def __init__(self):
            self.net = nn.BatchNorm1d(4)
            self.same = nn.Sequential(self.net)

    assert parameter_count(Model()) == 8
    # Weight, bias, running mean and variance of four floats each, and a 64-bit counter.
    assert parameter_bytes(Model()) == 4 * 4 * 4 + 8


def test_a_model_without_modules_has_no_count():
    assert parameter_count(object()) is None
    assert parameter_bytes(object()) == 0
