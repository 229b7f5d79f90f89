"""Perf tracking: a model's or metric's speed over commits, by pytest-benchmark."""

from gath_bench.perf.tracking.history import (
    Comparison,
    Reading,
    Record,
    compare_records,
    find_record,
    read_records,
)
from gath_bench.perf.tracking.session import Tracked, run_benchmarks

__all__ = [
    "Comparison",
    "Reading",
    "Record",
    "Tracked",
    "compare_records",
    "find_record",
    "read_records",
    "run_benchmarks",
]
