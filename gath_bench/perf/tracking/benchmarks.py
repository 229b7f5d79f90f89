"""The benchmarks that ``gath-bench perf run`` collects; the tracked things come in from ``session.py``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gath_bench.errors import Unavailable
from gath_bench.perf.memory import measure_peak_memory
from gath_bench.perf.timing import synchronise
from gath_bench.perf.tracking.reference import reference_pieces, timed, units_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pytest_benchmark.fixture import BenchmarkFixture

    from gath_bench.perf.tracking.session import Tracked

#: A benchmark takes about so long, half of it reference work, unless ``LEAST_ROUNDS`` take longer.
SECONDS = 12.0
LEAST_ROUNDS = 24


def test_speed(benchmark: BenchmarkFixture, tracked: Tracked, device: str, rounds: int) -> None:
    """One call, in turn with every piece of reference work."""
    call = tracked.prepare()
    pieces = reference_pieces(device)
    length = _least(timed(call, device))
    units = {name: units_for(length, _least(piece)) for name, piece in pieces.items()}
    rounds = max(LEAST_ROUNDS, min(rounds, round(SECONDS * 500 / length)))
    readings: dict[str, list[float]] = {name: [] for name in pieces}

    def synchronised() -> None:
        call()
        synchronise(device)

    def take_references() -> None:
        for name, piece in pieces.items():
            readings[name].append(piece(units[name]))

    benchmark.name = tracked.name
    benchmark.pedantic(  # type: ignore[no-untyped-call]
        synchronised, setup=take_references, rounds=rounds, iterations=1
    )
    assert benchmark.stats is not None
    benchmark.extra_info.update(
        key=tracked.key,
        images=tracked.images,
        peak_memory_mb=_peak_megabytes(call, device, tracked.held_bytes),
        call_ms=_text(1000 * seconds for seconds in benchmark.stats.stats.data),
        reference_ms={name: _text(taken[-rounds:]) for name, taken in readings.items()},
    )


def _least(piece: Callable[[int], float]) -> float:
    """The shortest of a few readings, in milliseconds; the first warms up."""
    return min(piece(1) for _ in range(5))


def _peak_megabytes(call: Callable[[], object], device: str, held: int) -> float | None:
    try:
        return round((measure_peak_memory(call, device=device).bytes + held) / 1e6, 2)
    except Unavailable:
        return None


def _text(readings: Iterable[float]) -> str:
    """Readings in the order they were taken, five digits each: a record with a line a reading is a large file."""
    return " ".join(f"{reading:.5g}" for reading in readings)
