"""The long table of a run: one row per sample, observation and AU."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import pyarrow as pa

Status = Literal["ok", "na", "failed"]

#: Columns of a shard, in order. ``value`` is null unless ``status`` is "ok"; ``reason`` is null if it is, but
#: for the remark of a system metric.
COLUMNS = (
    "cell",
    "batch",
    "position",
    "sample_id",
    "subject",
    "metric",
    "observation",
    "au",
    "value",
    "status",
    "reason",
)


def schema() -> pa.Schema:
    """The Arrow schema of a shard."""
    import pyarrow as pa

    word = pa.dictionary(pa.int32(), pa.string())
    types = {
        "batch": pa.int32(),
        "position": pa.int32(),
        "sample_id": pa.string(),
        "value": pa.float64(),
    }
    return pa.schema([pa.field(name, types.get(name, word)) for name in COLUMNS])


@dataclass
class Observations:
    """Observations in memory, column by column, before they are written as a shard."""

    columns: dict[str, list[Any]] = field(default_factory=lambda: {name: [] for name in COLUMNS})

    def __len__(self) -> int:
        return len(self.columns["value"])

    def add(
        self,
        *,
        cell: str,
        batch: int,
        position: int,
        sample_id: str,
        subject: str,
        metric: str,
        observation: str,
        au: str | None = None,
        value: float | None = None,
        status: Status = "ok",
        reason: str | None = None,
    ) -> None:
        """Append one observation."""
        row = (cell, batch, position, sample_id, subject, metric, observation, au, value, status, reason)
        for name, item in zip(COLUMNS, row, strict=True):
            self.columns[name].append(item)

    def truncate(self, length: int) -> None:
        """Remove what was added after the table had this length."""
        for column in self.columns.values():
            del column[length:]

    @property
    def has_failed(self) -> bool:
        """Whether a component failed, as opposed to having no value."""
        return "failed" in self.columns["status"]

    def table(self) -> pa.Table:
        """The observations as an Arrow table."""
        import pyarrow as pa

        wanted = schema()
        arrays = [
            pa.array(self.columns[column.name], pa.string()).dictionary_encode()
            if pa.types.is_dictionary(column.type)
            else pa.array(self.columns[column.name], column.type)
            for column in wanted
        ]
        return pa.Table.from_arrays(arrays, schema=wanted)


def batches_of(metadata: dict[bytes, bytes] | None) -> list[int]:
    """The batch numbers in a shard's metadata."""
    text = (metadata or {}).get(b"gath_bench.batches", b"").decode()
    return [int(part) for part in text.split(",") if part]


def with_batches(table: pa.Table, batches: Iterable[int] | Sequence[int]) -> pa.Table:
    """The table with its batch numbers in the metadata."""
    return table.replace_schema_metadata({"gath_bench.batches": ",".join(map(str, batches))})
