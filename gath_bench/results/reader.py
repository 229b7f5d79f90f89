"""A run folder, opened."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from gath_bench.results.manifest import Manifest
from gath_bench.results.shards import ShardStore

if TYPE_CHECKING:
    import pyarrow as pa

SAMPLES = "samples"


@dataclass(frozen=True)
class Run:
    """A run folder: its manifest, and its rows when they are asked for."""

    path: Path
    manifest: Manifest

    @cached_property
    def rows(self) -> pa.Table:
        """The long rows, ordered by cell, batch and position."""
        return ShardStore(self.path / SAMPLES).read()


def load(path: Path) -> Run:
    """Open a run folder.

    Raises:
        UsageError: the folder is not a run.
    """
    return Run(path, Manifest.read(path))
