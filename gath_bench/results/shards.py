"""Immutable Parquet shards, written atomically."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gath_bench.errors import UsageError
from gath_bench.files import atomic_write, remove_partial
from gath_bench.results.manifest import cannot_write
from gath_bench.results.observations import COLUMNS, Observations, batches_of, schema, with_batches

if TYPE_CHECKING:
    import pyarrow as pa

#: The batch number of observations that belong to the whole cell (system metrics).
SYSTEM_BATCH = -1
#: The batch number of the records of corpus metrics.
CORPUS_BATCH = -2
_STEMS = {SYSTEM_BATCH: "system", CORPUS_BATCH: "corpus"}


class ShardStore:
    """The shards of one run: ``samples/<cell>.<first batch>-<rank>.parquet``, ``.system`` and ``.corpus``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise cannot_write(folder.parent, error) from error

    def write(self, cell: str, observations: Observations, batches: Sequence[int], rank: int = 0) -> Path:
        """Write observations as one shard; the shard's metadata says which batches it holds.

        Raises:
            UsageError: the disk is full, or the folder cannot be written.
        """
        import pyarrow.parquet as pq

        path = self.folder / f"{cell}.{shard_stem(batches, rank)}.parquet"
        try:
            with atomic_write(path) as file:
                pq.write_table(
                    with_batches(observations.table(), batches),
                    file,
                    compression="zstd",
                    write_page_checksum=True,  # else a changed bit may be read as another value
                )
        except OSError as error:
            raise cannot_write(self.folder.parent, error) from error
        return path

    def done(self, cell: str) -> set[int]:
        """The batches of a cell that are on disk without a failure.

        A shard in which a component failed is removed, so that its batches are measured again.
        """
        import pyarrow.parquet as pq

        done: set[int] = set()
        for path in self.paths(cell):
            if _has_failed(path):
                path.unlink()
            else:
                done.update(batches_of(pq.ParquetFile(path).schema_arrow.metadata))
        return done

    def has_failed(self, cell: str) -> bool:
        """Whether a component failed anywhere in a cell."""
        return any(_has_failed(path) for path in self.paths(cell))

    def remove_partial(self) -> None:
        """Remove the partial files of a killed process."""
        remove_partial(self.folder)

    def paths(self, cell: str | None = None) -> list[Path]:
        """The shards of one cell, or of all, in order."""
        return sorted(self.folder.glob(f"{cell}.*.parquet" if cell else "*.parquet"))

    def read(self) -> pa.Table:
        """All observations, in the order of the shards."""
        import pyarrow as pa

        tables = [read_shard(path, list(COLUMNS)) for path in self.paths()]
        if not tables:
            return schema().empty_table()
        whole = pa.concat_tables(tables).unify_dictionaries().combine_chunks()
        del tables
        pa.default_memory_pool().release_unused()
        return whole


def shard_stem(batches: Sequence[int], rank: int = 0) -> str:
    """What the name of a shard says of its batches.

    >>> shard_stem([4, 5]), shard_stem([CORPUS_BATCH])
    ('000004-0', 'corpus')
    """
    return _STEMS.get(batches[0], f"{batches[0]:06d}-{rank}")


def in_order(observations: pa.Table) -> pa.Table:
    """Observations ordered by cell, batch and position."""
    import pyarrow as pa

    # Arrow does not sort dictionaries.
    named = observations.set_column(0, "cell", observations["cell"].cast(pa.string()))
    return named.sort_by([("cell", "ascending"), ("batch", "ascending"), ("position", "ascending")])


def _has_failed(shard: Path) -> bool:
    return "failed" in read_shard(shard, ["status"])["status"].unique().to_pylist()


def read_shard(shard: Path, columns: list[str]) -> pa.Table:
    """Some columns of a shard.

    Raises:
        UsageError: the file is damaged.
    """
    # Not pq.read_table: it imports pyarrow.dataset, which imports pandas (half a second).
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(shard, page_checksum_verification=True) as file:
            return file.read(columns=columns)
    except (pa.ArrowException, OSError) as error:
        raise UsageError(
            f"{shard} is damaged: delete it, and `gath-bench run --resume {shard.parent.parent}` measures it again."
        ) from error
