"""The benchmark that ``gath-bench perf run`` collects; ``session.py`` passes the cases in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gath_bench.errors import Unavailable
from gath_bench.perf import measure_peak_memory, synchronise
from gath_perf.reference_work import reference_workloads, timed, units_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pytest_benchmark.fixture import BenchmarkFixture

    from gath_perf.case import BenchmarkCase

#: Approximate duration of a benchmark in seconds, half of it reference work; longer if MIN_ROUNDS take longer.
SECONDS = 12.0
MIN_ROUNDS = 24


def test_speed(benchmark: BenchmarkFixture, case: BenchmarkCase, device: str, rounds: int) -> None:
    """Time the call in turn with every reference workload."""
    call = case.prepare()
    workloads = reference_workloads(device)
    length = _shortest(timed(call, device))
    units = {name: units_for(length, _shortest(work)) for name, work in workloads.items()}
    rounds = max(MIN_ROUNDS, min(rounds, round(SECONDS * 500 / length)))
    readings: dict[str, list[float]] = {name: [] for name in workloads}

    def synchronised() -> None:
        call()
        synchronise(device)

    def run_references() -> None:
        for name, work in workloads.items():
            readings[name].append(work(units[name]))

    benchmark.name = case.name
    benchmark.pedantic(  # type: ignore[no-untyped-call]
        synchronised, setup=run_references, rounds=rounds, iterations=1
    )
    assert benchmark.stats is not None
    benchmark.extra_info.update(
        key=case.key,
        images=case.images,
        peak_memory_mb=_peak_megabytes(call, device, case.held_bytes),
        call_ms=_text(1000 * seconds for seconds in benchmark.stats.stats.data),
        reference_ms={name: _text(taken[-rounds:]) for name, taken in readings.items()},
    )


def _shortest(work: Callable[[int], float]) -> float:
    """The shortest of five readings in milliseconds; the first one is the warm-up."""
    return min(work(1) for _ in range(5))


def _peak_megabytes(call: Callable[[], object], device: str, held: int) -> float | None:
    try:
        return round((measure_peak_memory(call, device=device).bytes + held) / 1e6, 2)
    except Unavailable:
        return None


def _text(readings: Iterable[float]) -> str:
    """Readings in order, five digits each, on one line: one line per reading would make large files."""
    return " ".join(f"{reading:.5g}" for reading in readings)
