"""Pure functions of the long frame: reducers, intervals, tests, the rows of a table, comparisons of runs."""

from gath_bench.analysis.bootstrap import Estimate, estimate
from gath_bench.analysis.compare import Comparison, compare
from gath_bench.analysis.join import Joined, join
from gath_bench.analysis.ranking import MeanRank, mean_ranks
from gath_bench.analysis.reducers import REDUCERS, Reducer
from gath_bench.analysis.reproducibility import Drift, drift
from gath_bench.analysis.summarise import summarise
from gath_bench.analysis.summary_row import Row

__all__ = [
    "REDUCERS", "Comparison", "Drift", "Estimate", "Joined", "MeanRank", "Reducer", "Row", "compare", "drift",
    "estimate", "join", "mean_ranks", "summarise",
]  # fmt: skip
