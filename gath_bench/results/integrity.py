"""Checks the files of a run folder against the hashes in its manifest."""

from __future__ import annotations

from gath_bench.contracts.keys import file_hash
from gath_bench.errors import UsageError
from gath_bench.results.reader import SAMPLES, Run
from gath_bench.results.shards import ShardStore


def changed_files(run: Run) -> list[str]:
    """One sentence for each shard that differs from the manifest; empty if none does.

    Raises:
        UsageError: the run is not finished, so that no hashes are recorded.
    """
    if run.manifest.status != "finished":
        raise UsageError(f"{run.path} is not finished: `gath-bench run --resume {run.path}` continues it.")
    recorded = run.manifest.files
    paths = {path.name: path for path in ShardStore(run.path / SAMPLES).paths()}
    found = []
    for name in sorted({*recorded, *paths}):
        if name not in paths:
            found.append(f"{SAMPLES}/{name} is missing.")
        elif name not in recorded:
            found.append(f"{SAMPLES}/{name} is not listed in the manifest.")
        elif file_hash(paths[name]) != recorded[name]:
            found.append(f"{SAMPLES}/{name} was changed: SHA-256 mismatch.")
    return found
