"""Opens run folders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from gath_bench.results.manifest import CellRecord, Manifest
from gath_bench.results.shards import ShardStore, in_order

if TYPE_CHECKING:
    import pyarrow as pa

SAMPLES = "samples"


@dataclass(frozen=True)
class Run:
    """A run folder: its manifest, and its observations, read on first use.

    Attributes:
        path: the folder; for joined runs, that of the first.
        manifest: its manifest; for joined runs, one manifest of all cells.
        joined: the observations of joined runs; None for a single run.
        origins: for joined runs, the folder and cell id that each cell came from.
    """

    path: Path
    manifest: Manifest
    joined: pa.Table | None = None
    origins: Mapping[str, tuple[Path, str]] = field(default_factory=dict)

    @cached_property
    def unordered(self) -> pa.Table:
        """The long table in any order, which is enough for `gath_bench.analysis`: ordering it imports more of Arrow."""
        return ShardStore(self.path / SAMPLES).read() if self.joined is None else self.joined

    @cached_property
    def observations(self) -> pa.Table:
        """The long table, ordered by cell, batch and position."""
        return in_order(self.unordered) if self.joined is None else self.joined

    def origin(self, cell: CellRecord) -> tuple[Path, str]:
        """The run folder and cell id that a cell came from."""
        return self.origins.get(cell.cell_id, (self.path, cell.cell_id))


def load(path: Path) -> Run:
    """Open a run folder.

    Raises:
        UsageError: the folder is not a run folder.
    """
    return Run(path, Manifest.read(path))
