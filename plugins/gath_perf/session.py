"""Runs the benchmarks: a pytest session over ``benchmarks.py``, with the cases passed in by a pytest plugin."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gath_bench.errors import UsageError
from gath_bench.perf import describe_machine
from gath_perf.case import BenchmarkCase
from gath_perf.reference_work import CLOCKS, keep_freed_memory

if TYPE_CHECKING:
    import pytest


class CasesPlugin:
    """A pytest plugin that parametrizes the benchmark and describes the machine to pytest-benchmark."""

    def __init__(self, cases: Sequence[BenchmarkCase], device: str, rounds: int) -> None:
        self.cases = cases
        self.device = device
        self.rounds = rounds

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if "case" in metafunc.fixturenames:
            metafunc.parametrize("case", self.cases, ids=[case.name for case in self.cases])
            metafunc.parametrize("device", [self.device])
            metafunc.parametrize("rounds", [self.rounds])

    def pytest_benchmark_update_machine_info(self, machine_info: dict[str, Any]) -> None:
        # pytest-benchmark's own description contains the host name; records may be published.
        machine_info.clear()
        machine_info.update(describe_machine(self.device))


def run_benchmarks(
    cases: Sequence[BenchmarkCase], *, storage: Path, name: str, device: str, rounds: int
) -> int:
    """Measure the cases and store one record; returns pytest's exit code.

    Args:
        cases: what to measure.
        storage: the folder of records; pytest-benchmark adds a subfolder per platform.
        name: the record's name, without its number.
        device: ``"cpu"`` or ``"cuda:i"``.
        rounds: readings per case, in turn with the reference work.

    Raises:
        UsageError: the folder cannot be created.
    """
    import pytest

    try:
        storage.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"the folder of records {storage} cannot be created: {error.strerror}; give another with --storage."
        ) from error
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
            plugins=[CasesPlugin(cases, device, rounds)],
        )
    )
