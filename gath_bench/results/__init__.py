"""Run folders: ``manifest.json``, the long table in ``samples/*.parquet``, and ``images/``."""

from gath_bench.results.integrity import changed_files
from gath_bench.results.manifest import MANIFEST, CellRecord, Manifest, MetricRecord
from gath_bench.results.observations import Observations
from gath_bench.results.reader import Run, load
from gath_bench.results.shards import ShardStore

__all__ = [
    "MANIFEST",
    "CellRecord",
    "Manifest",
    "MetricRecord",
    "Observations",
    "Run",
    "ShardStore",
    "changed_files",
    "load",
]
