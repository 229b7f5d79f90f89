"""Pure functions of a run's observations: reducers, intervals, tests, summary rows, comparisons of runs."""

from gath_bench.analysis.bootstrap import Estimate, estimate
from gath_bench.analysis.compare import PairedDifference, compare, verdict
from gath_bench.analysis.join import Joined, join
from gath_bench.analysis.ranking import MeanRank, mean_ranks
from gath_bench.analysis.reducers import REDUCERS, Reducer
from gath_bench.analysis.reproducibility import Drift, drift
from gath_bench.analysis.summarise import summarise
from gath_bench.analysis.summary_row import SummaryRow, TableKey

__all__ = [
    "REDUCERS",
    "Drift",
    "Estimate",
    "Joined",
    "MeanRank",
    "PairedDifference",
    "Reducer",
    "SummaryRow",
    "TableKey",
    "compare",
    "drift",
    "estimate",
    "join",
    "mean_ranks",
    "summarise",
    "verdict",
]
