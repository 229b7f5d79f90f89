"""``gath-bench perf run``: a pytest session over ``benchmarks.py`` with what is tracked handed in as a plugin."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gath_bench.perf.machine import describe_machine
from gath_bench.perf.tracking.reference import CLOCKS, keep_freed_memory

if TYPE_CHECKING:
    import pytest


@dataclass(frozen=True)
class Tracked:
    """Something whose speed is tracked.

    Attributes:
        name: of the benchmark, such as ``model/copy-source/batch-1/128px``; records are compared by it.
        key: the component key, so that a record says what was measured.
        images: how many images one call makes or grades.
        prepare: makes the call to time; done outside the timing.
        held_bytes: what weights and buffers take, to be added to the peak of a call.
    """

    name: str
    key: str
    images: int
    prepare: Callable[[], Callable[[], object]]
    held_bytes: int = 0


class TrackingPlugin:
    """Hands the tracked things to the benchmarks and the machine's description to pytest-benchmark."""

    def __init__(self, tracked: Sequence[Tracked], device: str, rounds: int) -> None:
        self.tracked = tracked
        self.device = device
        self.rounds = rounds

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if "tracked" in metafunc.fixturenames:
            metafunc.parametrize("tracked", self.tracked, ids=[item.name for item in self.tracked])
            metafunc.parametrize("device", [self.device])
            metafunc.parametrize("rounds", [self.rounds])

    def pytest_benchmark_update_machine_info(self, machine_info: dict[str, Any]) -> None:
        # pytest-benchmark's own description names the host; ours does not.
        machine_info.clear()
        machine_info.update(describe_machine(self.device))


def run_benchmarks(tracked: Sequence[Tracked], *, storage: Path, name: str, device: str, rounds: int) -> int:
    """Measure and store one record; pytest's exit code.

    Args:
        tracked: what to measure.
        storage: the folder of records; one subfolder a machine, made by pytest-benchmark.
        name: of the record, after its number.
        device: ``"cpu"`` or ``"cuda:i"``.
        rounds: readings of each, interleaved with the reference work.
    """
    import pytest

    storage.mkdir(parents=True, exist_ok=True)
    if device == "cpu":
        keep_freed_memory()
    return int(
        pytest.main(
            [
                str(Path(__file__).with_name("benchmarks.py")),
                "-q",
                "-p",
                "no:cacheprovider",
                "--no-header",
                "--override-ini=addopts=",
                "--override-ini=python_files=benchmarks.py",
                f"--rootdir={Path(__file__).parent}",
                f"--benchmark-storage=file://{storage.resolve()}",
                f"--benchmark-save={name}",
                f"--benchmark-timer=time.{CLOCKS[device.partition(':')[0]].__name__}",
                "--benchmark-disable-gc",
                "--benchmark-columns=median,iqr,rounds",
            ],
            plugins=[TrackingPlugin(tracked, device, rounds)],
        )
    )
