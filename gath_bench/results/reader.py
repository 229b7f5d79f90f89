"""A run folder, opened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from gath_bench.results.manifest import CellRecord, Manifest
from gath_bench.results.shards import ShardStore

if TYPE_CHECKING:
    import pyarrow as pa

SAMPLES = "samples"


@dataclass(frozen=True)
class Run:
    """A run folder: its manifest, and its rows when they are asked for.

    Attributes:
        path: the folder; of several runs that were joined, the first's.
        manifest: its manifest; of joined runs, that of all of them.
        joined: the rows of joined runs; None for the folder's own.
        origins: of joined runs, where each cell lies: its folder, and its name there.
    """

    path: Path
    manifest: Manifest
    joined: pa.Table | None = None
    origins: Mapping[str, tuple[Path, str]] = field(default_factory=dict)

    @cached_property
    def rows(self) -> pa.Table:
        """The long rows, ordered by cell, batch and position."""
        return ShardStore(self.path / SAMPLES).read() if self.joined is None else self.joined

    def origin(self, cell: CellRecord) -> tuple[Path, str]:
        """The run folder that a cell lies in, and its name there."""
        return self.origins.get(cell.cell_id, (self.path, cell.cell_id))


def load(path: Path) -> Run:
    """Open a run folder.

    Raises:
        UsageError: the folder is not a run.
    """
    return Run(path, Manifest.read(path))
