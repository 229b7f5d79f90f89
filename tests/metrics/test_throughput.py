"""throughput orders models of known relative speed; absolute times are not tested."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass

import pytest
import torch
from gath_metrics.throughput import Throughput, decode_png, encode_png
from torch import nn

from gath_bench.contracts import ModelInfo, SystemUnderTest
from gath_bench.errors import Unavailable, UsageError


class Sleeper:
    """A model that takes a known time per image."""

    def __init__(self, seconds: float = 0.0, timed: bool = True) -> None:
        self.seconds = seconds
        self.info = ModelInfo(timed=timed)

    def to(self, device):
        return self

    def animate(self, portraits, target_aus):
        assert len(portraits) == len(target_aus)
        time.sleep(self.seconds * len(portraits))
        return portraits.clone()


class Convolver(Sleeper):
    """A model with weights."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Conv2d(3, 3, 5, padding=2)

    def animate(self, portraits, target_aus):
        return self.net(portraits)


@dataclass
class Readings:
    measured: dict

    def median(self, name):
        return statistics.median(self.measured[f"throughput.{name}"].values)

    def reason(self, name):
        return self.measured[f"throughput.{name}"].missing[0]


def measure(model, **parameters):
    system = SystemUnderTest(
        model=model,
        animate=model.animate,
        portraits=torch.rand(3, 3, 32, 32),
        target_aus=torch.rand(3, 17),
        resolution=32,
        device="cpu",
    )
    metric = Throughput(**{"seconds": 0.05, "least": 3, **parameters})
    return Readings({item.name: item for item in metric.measure_system(system)})


def test_speeds_of_a_busy_machine_have_a_remark_and_sizes_have_none(monkeypatch):
    monkeypatch.setattr("gath_bench.perf.contention.waiting_share", lambda: 0.4)
    measured = measure(Convolver(), seconds=0.01).measured
    remarks = {name.partition(".")[2]: item.remark for name, item in measured.items()}
    speeds = {name for name in remarks if "latency" in name or "images_per_s" in name}
    assert {remarks[name] for name in speeds} == {
        "measured on a busy machine: other processes took 40% of the processor time"
    }
    assert {remarks[name] for name in remarks.keys() - speeds} == {""}


def test_the_slower_model_is_measured_slower():
    fast, slow = measure(Sleeper(0.001)), measure(Sleeper(0.02))
    assert slow.median("latency_ms") > fast.median("latency_ms")
    for name in ("images_per_s", "images_per_s_batch_1", "images_per_s_batch_8", "e2e_images_per_s"):
        assert slow.median(name) < fast.median(name)


def test_rate_grows_with_batch_size_at_constant_time_per_batch():
    class Parallel(Sleeper):
        def animate(self, portraits, target_aus):
            time.sleep(0.005)
            return portraits

    readings = measure(Parallel())
    assert readings.median("images_per_s_batch_8") > 3 * readings.median("images_per_s_batch_1")


def test_end_to_end_is_slower_than_the_model_alone():
    readings = measure(Sleeper())
    assert readings.median("e2e_images_per_s") < readings.median("images_per_s_batch_1")


def test_each_summary_has_its_observations():
    metric = Throughput(batch_sizes="1+2+4", seconds=0.01, least=2)
    readings = measure(Convolver(), batch_sizes="1+2+4", seconds=0.01, least=2)
    wanted = {name for summary in metric.info.summaries for name in summary.inputs}
    assert wanted == set(readings.measured)
    assert all(len(item.values) >= 1 for item in readings.measured.values())
    assert len(readings.measured["throughput.latency_ms"].values) >= 2


def test_images_per_s_is_that_of_the_largest_batch():
    readings = measure(Sleeper(0.001), batch_sizes="4+1")
    rates = readings.measured
    assert rates["throughput.images_per_s"].values == rates["throughput.images_per_s_batch_4"].values


def test_parameters_flops_and_memory_of_a_torch_model():
    readings = measure(Convolver())
    assert readings.median("parameters") == 3 * 3 * 5 * 5 + 3
    # Two operations per multiplication and addition, on each of 32x32 pixels.
    assert readings.median("flops") == 2 * 3 * 3 * 5 * 5 * 32 * 32


def test_a_model_without_torch_has_no_parameters_and_no_flops():
    readings = measure(Sleeper())
    assert readings.reason("parameters") == "the model holds no torch module"
    assert readings.reason("flops") == "no counted torch operation runs in it"


def test_a_model_that_cannot_be_traced_has_speed_values():
    class NotTraceable(Sleeper):
        def animate(self, portraits, target_aus):
            from torch.utils._python_dispatch import _get_current_dispatch_mode

            if _get_current_dispatch_mode() is not None:
                raise RuntimeError("not under a tracer")
            return portraits

    readings = measure(NotTraceable())
    assert "not under a tracer" in readings.reason("flops")
    assert readings.median("images_per_s") > 0


def test_a_model_that_is_not_timed_is_na():
    with pytest.raises(Unavailable, match="not timed"):
        measure(Sleeper(timed=False))


@pytest.mark.parametrize(
    "parameters",
    [{"batch_sizes": "1,8"}, {"batch_sizes": "0+1"}, {"batch_sizes": ""}, {"seconds": 0.0}, {"least": 0}],
)
def test_invalid_parameters_are_refused(parameters):
    with pytest.raises(UsageError):
        Throughput(**parameters)


def test_the_png_round_trip_is_exact():
    levels = torch.arange(256).float().div(255).reshape(1, 16, 16).expand(3, 16, 16)
    assert torch.equal(decode_png(encode_png(levels)), levels)
