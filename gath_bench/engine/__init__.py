"""Runs a plan: stream, generate once, feed every metric, flush immutable shards, resume, share out over ranks."""

from gath_bench.engine.run import RunOptions, execute

__all__ = ["RunOptions", "execute"]
