"""Pure functions of the long frame: reducers, intervals, the rows of a table."""

from gath_bench.analysis.bootstrap import Estimate, estimate
from gath_bench.analysis.reducers import REDUCERS, Reducer
from gath_bench.analysis.summarise import Row, summarise

__all__ = ["REDUCERS", "Estimate", "Reducer", "Row", "estimate", "summarise"]
