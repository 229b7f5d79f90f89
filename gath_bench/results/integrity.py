"""Whether a run folder still holds what the run wrote."""

from __future__ import annotations

from gath_bench.contracts.keys import file_hash
from gath_bench.errors import UsageError
from gath_bench.results.reader import SAMPLES, Run
from gath_bench.results.shards import ShardStore


def damage(run: Run) -> list[str]:
    """For each shard that is not as the manifest records it one sentence; empty if all are.

    Raises:
        UsageError: the run was never finished, so that nothing is recorded.
    """
    if run.manifest.status != "finished":
        raise UsageError(
            f"{run.path} was not finished: `gath-bench run --resume {run.path}` goes on with it."
        )
    recorded = run.manifest.files
    paths = {path.name: path for path in ShardStore(run.path / SAMPLES).paths()}
    found = []
    for name in sorted({*recorded, *paths}):
        if name not in paths:
            found.append(f"{SAMPLES}/{name} is missing.")
        elif name not in recorded:
            found.append(f"{SAMPLES}/{name} is not in the manifest: another hand wrote it.")
        elif file_hash(paths[name]) != recorded[name]:
            found.append(f"{SAMPLES}/{name} is not as the run wrote it: its SHA-256 is another.")
    return found
