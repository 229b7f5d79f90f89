"""One run = one folder: ``manifest.json`` and ``samples/*.parquet``, long and tidy."""

from gath_bench.results.integrity import damage
from gath_bench.results.manifest import MANIFEST, CellRecord, Manifest, MetricRecord
from gath_bench.results.observations import Rows
from gath_bench.results.reader import Run, load
from gath_bench.results.shards import ShardStore

__all__ = [
    "MANIFEST",
    "CellRecord",
    "Manifest",
    "MetricRecord",
    "Rows",
    "Run",
    "ShardStore",
    "damage",
    "load",
]
