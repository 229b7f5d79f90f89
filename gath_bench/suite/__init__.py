"""A suite file (TOML) -> a plan of cells (model x data set x protocol)."""

from gath_bench.suite.config import (
    DatasetChoice,
    References,
    Suite,
    make_suite,
    quick_suite,
    read_suite,
    suite_of_run,
)
from gath_bench.suite.plan import Cell, Plan, make_plan

__all__ = [
    "Cell",
    "DatasetChoice",
    "Plan",
    "References",
    "Suite",
    "make_plan",
    "make_suite",
    "quick_suite",
    "read_suite",
    "suite_of_run",
]
