"""Registers ``gath-bench perf``."""

from __future__ import annotations

from gath_bench import hookimpl
from gath_bench.contracts import CommandSpec


@hookimpl
def gath_bench_commands() -> list[CommandSpec]:
    """The command group; its code is imported when it is called."""
    return [CommandSpec("perf", "gath_perf.commands:perf", "Track speed over commits.")]
