"""Probes of time, memory and floating-point operations of any callable."""

from gath_bench.perf.contention import Contention
from gath_bench.perf.flops import count_flops
from gath_bench.perf.machine import describe_hardware, describe_machine
from gath_bench.perf.memory import (
    PeakMemory,
    measure_peak_memory,
    parameter_bytes,
    parameter_count,
    return_freed_memory,
)
from gath_bench.perf.timing import synchronise, time_calls

__all__ = [
    "Contention",
    "PeakMemory",
    "count_flops",
    "describe_hardware",
    "describe_machine",
    "measure_peak_memory",
    "parameter_bytes",
    "parameter_count",
    "return_freed_memory",
    "synchronise",
    "time_calls",
]
