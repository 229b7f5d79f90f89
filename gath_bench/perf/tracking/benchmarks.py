"""The benchmarks that ``gath-bench perf run`` collects; the tracked things come in from ``session.py``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gath_bench.perf.timing import synchronise, time_calls
from gath_bench.perf.tracking.reference import reference_work, units_for

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

    from gath_bench.perf.tracking.session import Tracked

#: A benchmark takes about so long, half of it reference work, unless ``LEAST_ROUNDS`` take longer.
SECONDS = 12.0
LEAST_ROUNDS = 15


def test_speed(benchmark: BenchmarkFixture, tracked: Tracked, device: str, rounds: int) -> None:
    """One call, in turn with the reference work."""
    call = tracked.prepare()
    reference = reference_work(device)
    typical = sorted(time_calls(call, device=device, seconds=0, least=3))[1]
    reference(3)
    units = units_for(typical, reference(3))
    rounds = max(LEAST_ROUNDS, min(rounds, round(SECONDS * 500 / typical)))
    readings: list[float] = []

    def synchronised() -> None:
        call()
        synchronise(device)

    benchmark.name = tracked.name
    benchmark.extra_info.update(key=tracked.key, images=tracked.images, reference_ms=readings)
    benchmark.pedantic(  # type: ignore[no-untyped-call]
        synchronised, setup=lambda: readings.append(reference(units)), rounds=rounds, iterations=1
    )
