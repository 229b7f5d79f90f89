"""Runs a plan: loads batches, animates them, scores them with every metric, writes shards; resumable, over ranks."""

from gath_bench.engine.run import RunOptions, execute

__all__ = ["RunOptions", "execute"]
