"""A suite file (TOML) -> a plan of cells (model x data set x protocol)."""

from gath_bench.suite.config import (
    BUILT_IN,
    DatasetChoice,
    References,
    Suite,
    built_in_suite,
    make_suite,
    quick_suite,
    read_suite,
    suite_of_run,
)
from gath_bench.suite.plan import Cell, Plan, make_plan
from gath_bench.suite.requirements import refuse_unavailable_evaluators, weights_of

__all__ = [
    "BUILT_IN",
    "Cell",
    "DatasetChoice",
    "Plan",
    "References",
    "Suite",
    "built_in_suite",
    "make_plan",
    "make_suite",
    "quick_suite",
    "read_suite",
    "refuse_unavailable_evaluators",
    "suite_of_run",
    "weights_of",
]
