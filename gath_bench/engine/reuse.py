"""Reuses observations of earlier runs: the same samples, model and metric are not measured again.

An entry of the store holds the observations of one metric on one model, data set and protocol. Its name is a hash of
all that its values depend on: the keys of model, data set, metric and evaluators, every sample, seed and batch size,
the hardware and package versions, and the source files of the packages that the components are in.

Never reused are system metrics (a speed belongs to one moment), corpus metrics (their features are not stored),
metrics that are not deterministic, components that were passed as Python objects, and cells with a failure.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gath_bench.contracts.keys import NO_WEIGHTS, file_hash, fingerprint
from gath_bench.contracts.metric import CorpusMetric, MetricInfo, SystemMetric
from gath_bench.errors import Unavailable
from gath_bench.files import PARTIAL, atomic_write, read_regular
from gath_bench.registry import Component
from gath_bench.results.manifest import CellRecord, Manifest
from gath_bench.results.observations import COLUMNS, Observations
from gath_bench.results.shards import ShardStore, read_shard
from gath_bench.suite.plan import Cell, Plan
from gath_bench.weights import cache_folder

if TYPE_CHECKING:
    import pyarrow as pa

#: Raised whenever entries of older versions must not be used.
FORMAT = 2
#: The suffix of entries: the SHA-256 of name and Parquet file, and then that file.
ENTRY = ".entry"
#: Bytes of the SHA-256.
_DIGEST = 32
#: The limit of the store; the entries that were used least recently are removed.
MAX_BYTES = 512 * 2**20
#: A file that is being written for longer than this was left by a killed run.
STALE_SECONDS = 3600.0


def store_folder() -> Path:
    """The folder of the store: ``$XDG_CACHE_HOME/gath-bench/observations`` on Linux."""
    return cache_folder().parent / "observations"


@dataclass(frozen=True)
class ObservationStore:
    """Entries by name, one file each; safe under concurrent runs, since files are written by rename.

    Parquet alone does not protect its values: a changed bit may give another value.

    Attributes:
        folder: where they are.
        max_bytes: the limit of their total size.
    """

    folder: Path
    max_bytes: int = MAX_BYTES

    def read(self, name: str) -> pa.Table | None:
        """An entry; None if there is none. A damaged entry is removed."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        path = self._path(name)
        try:
            if not path.exists():
                return None
            content = read_regular(path)
            digest, file = content[:_DIGEST], content[_DIGEST:]
            if _digest(name, file) != digest:
                raise ValueError("damaged")
            table = pq.ParquetFile(pa.BufferReader(file)).read(columns=list(COLUMNS))
            os.utime(path)  # used now
        except (OSError, ValueError, pa.ArrowException):
            self.remove(name)
            return None
        return table

    def remove(self, name: str) -> None:
        """Remove an entry. One that cannot be removed stays as it is."""
        with suppress(OSError):
            self._path(name).unlink()

    def write(self, name: str, observations: Observations) -> None:
        """Write an entry and remove the oldest ones beyond the limit. A store that cannot be written stays as it is."""
        import pyarrow.parquet as pq

        with suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
            table = BytesIO()
            pq.write_table(observations.table(), table, compression="zstd")
            with atomic_write(self._path(name)) as file:
                file.write(_digest(name, table.getvalue()) + table.getvalue())
            self._limit()

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}{ENTRY}"

    def _limit(self) -> None:
        for leftover in self.folder.glob(f"*{PARTIAL}"):
            with suppress(OSError):
                if time.time() - leftover.stat().st_mtime > STALE_SECONDS:  # of a killed run
                    leftover.unlink()
        entries = []
        for path in self.folder.glob(f"*{ENTRY}"):
            with suppress(OSError):  # removed by another run
                found = path.stat()
                entries.append((found.st_mtime, found.st_size, path))
        total = sum(size for _, size, _ in entries)
        for _, size, path in sorted(entries):
            if total <= self.max_bytes:
                break
            with suppress(OSError):
                path.unlink()
            total -= size


@dataclass(frozen=True)
class Reuse:
    """The store, seen from one run.

    Attributes:
        store: the store.
        plan, manifest: of the run.
    """

    store: ObservationStore
    plan: Plan
    manifest: Manifest

    def find(self, cell: Cell, record: CellRecord) -> Mapping[str, Sequence[dict[str, Any]]]:
        """Metric -> its observations in a cell, as rows; metrics that must be measured are left out."""
        found = {}
        for metric in cell.metrics:
            name = self.name(cell, record, metric)
            table = None if name is None else self.store.read(name)
            if name is None or table is None:
                continue
            rows = [row | {"cell": cell.cell_id} for row in table.to_pylist()]
            if self._is_complete(rows, cell, metric):
                found[str(metric.name)] = rows
            else:
                self.store.remove(name)
        return found

    def _is_complete(self, rows: Sequence[dict[str, Any]], cell: Cell, metric: Component) -> bool:
        """Whether these are the observations of a metric on every sample of a cell, without a failure."""
        size = self.manifest.batch_size
        samples = {(number // size, sample.sample_id) for number, sample in enumerate(cell.samples)}
        return (
            {(row["batch"], row["sample_id"]) for row in rows} == samples
            and {row["metric"] for row in rows} == {str(metric.name)}
            and "failed" not in {row["status"] for row in rows}
        )

    def keep(self, cell: Cell, record: CellRecord, shards: ShardStore) -> None:
        """Store the observations of a complete cell, without those that came from the store."""
        names = {str(metric.name): self.name(cell, record, metric) for metric in cell.metrics}
        wanted = {metric: name for metric, name in names.items() if name and metric not in record.reused}
        if not wanted:
            return
        found = {metric: Observations() for metric in wanted}
        for path in shards.paths(cell.cell_id):
            for row in read_shard(path, list(COLUMNS)).to_pylist():
                if row["metric"] in found:
                    found[row["metric"]].add(**row)
        for metric, observations in found.items():
            self.store.write(wanted[metric], observations)

    def name(self, cell: Cell, record: CellRecord, metric: Component) -> str | None:
        """The entry of a metric in a cell; None if it is always measured."""
        info: MetricInfo = metric.info
        if isinstance(metric.instance, (SystemMetric, CorpusMetric)) or not info.deterministic:
            return None
        if {str(one.name) for one in (cell.model, cell.dataset, metric)} & set(self.plan.instances):
            return None
        try:
            evaluators = [self.plan.evaluators.find(role.role, role.component) for role in info.roles]
        except Unavailable:
            return None
        described = self.manifest.metric(str(metric.name))
        keys = (record.model_key, record.dataset_key, described.key, *described.evaluators)
        if any(NO_WEIGHTS in key for key in keys):
            return None
        code = [_package_hash(type(one.instance)) for one in (cell.model, cell.dataset, metric, *evaluators)]
        content = {
            "format": FORMAT,
            "keys": keys,
            "samples": [(sample.sample_id, sample.subject) for sample in cell.samples],
            "setting": (record.split, record.protocol, self.manifest.seed, self.manifest.batch_size),
            "place": (self.manifest.hardware, self.manifest.environment.get("determinism")),
            "packages": self.manifest.environment.get("packages"),
            "code": [_package_hash(Reuse), *code],
        }
        return fingerprint(json.dumps(content, sort_keys=True))


def _digest(name: str, content: bytes) -> bytes:
    return sha256(name.encode() + content).digest()


def _package_hash(component: type) -> str:
    """A hash of the Python files of the package that a class is in.

    Of a class in no package, as of ``--plugin FILE.py``: of its file and those beside it, which it can import.
    """
    module = component.__module__
    root = sys.modules.get(module.partition(".")[0])
    file = getattr(sys.modules.get(module), "__file__", None)
    folders = tuple(str(path) for path in getattr(root, "__path__", ()))
    beside = tuple(sorted(map(str, Path(file).parent.glob("*.py")))) if file else ()
    return _source_hash(folders or beside)


@cache
def _source_hash(places: tuple[str, ...]) -> str:
    files = [file for place in map(Path, places) for file in (sorted(place.rglob("*.py")) or [place])]
    return fingerprint(*(file_hash(file) for file in files))
