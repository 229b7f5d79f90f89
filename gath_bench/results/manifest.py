"""``manifest.json``: the record of a run: components, settings, environment and file hashes."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from gath_bench.contracts.metric import Summary
from gath_bench.errors import UsageError, describe_error
from gath_bench.files import read_regular, write_json
from gath_bench.results.plain import from_json

MANIFEST = "manifest.json"
SCHEMA = 1


def cannot_write(folder: Path, error: OSError) -> UsageError:
    """The sentence for a run folder that cannot be written; what is in it stays usable."""
    return UsageError(
        f"the run folder {folder} cannot be written ({error.strerror or error}): free the disk or correct its "
        f"permissions, and continue with `gath-bench run --resume {folder}`."
    )


@dataclass
class CellRecord:
    """The record of one cell.

    Attributes:
        cell_id: unique in the run; the stem of its shards' file names.
        model, model_key: as the user named it, and its component key.
        sees_target: whether the model gets the target image (a baseline).
        trained_against: keys of the evaluators that the model was trained with.
        dataset, dataset_key, domain: the data set's name, component key and domain.
        split, protocol: the split and protocol of the data set.
        samples: how many samples the cell has.
        metrics: the metrics measured in it, by name.
        status: ``"planned"``, ``"ok"`` or ``"failed"``.
        seconds: wall time of all sessions.
        precision: the number format of most of the model's arithmetic.
        device, hardware: where it was measured, if it differs from the manifest (joined runs).
        baseline: whether the model says that it is a baseline.
        reused: the metrics, by name, whose observations come from an earlier run.
    """

    cell_id: str
    model: str
    model_key: str
    sees_target: bool
    trained_against: list[str]
    dataset: str
    dataset_key: str
    domain: str
    split: str
    protocol: str
    samples: int
    metrics: list[str]
    status: str = "planned"
    seconds: float = 0.0
    precision: str = "fp32"
    device: str = ""
    hardware: str = ""
    baseline: bool = False
    reused: list[str] = field(default_factory=list)


@dataclass
class MetricRecord:
    """The record of one metric: enough to print its tables without its code.

    Attributes:
        name: as the user named it.
        key: its component key, with the hash of the evaluators it used.
        evaluators: keys of those evaluators.
        system: whether it measures the model on a device instead of its images.
        deterministic, tolerance, display: as the metric declared them.
        summaries: the value names.
    """

    name: str
    key: str
    evaluators: list[str]
    system: bool
    deterministic: bool
    tolerance: float
    display: str
    summaries: list[Summary]


@dataclass
class Manifest:
    """The record of one run.

    Attributes:
        status: ``"running"`` or ``"finished"``.
        command: the command line.
        suite: the resolved suite.
        references: the names of the baseline models ``oracle`` and ``copy_source``; empty if there are none.
        seed, device, batch_size: the settings of all cells.
        created, finished: UTC times, ISO 8601.
        environment: versions, commit, hardware, determinism flags.
        skipped: components that the suite allowed to be missing.
        metrics, cells: in the plan's order.
        files: SHA-256 of every shard, when the run is finished.
        instances: components that were passed as Python objects; ``verify`` cannot create them again.
    """

    status: str
    command: list[str]
    suite: dict[str, Any]
    references: dict[str, str]
    seed: int
    device: str
    batch_size: int
    created: str
    environment: dict[str, Any]
    skipped: list[str]
    metrics: list[MetricRecord]
    cells: list[CellRecord]
    finished: str | None = None
    files: dict[str, str] = field(default_factory=dict)
    instances: list[str] = field(default_factory=list)
    schema: int = SCHEMA

    @property
    def hardware(self) -> str:
        """The hardware that a speed depends on: ``cuda NVIDIA H200``, ``cpu AMD EPYC 7B13 x2``."""
        machine = self.environment.get("machine", {})
        kind = self.device.partition(":")[0]
        if kind == "cpu":
            named = [machine.get("cpu"), f"x{machine['threads']}" if "threads" in machine else None]
        else:
            named = [machine.get("gpu")]
        return " ".join([kind, *(word for word in named if word)])

    @property
    def plugin_options(self) -> tuple[str, ...]:
        """The values of ``--plugin`` in the command, in order."""
        words = self.command
        pairs = [after for word, after in pairwise(words) if word == "--plugin"]
        return (*pairs, *(word.partition("=")[2] for word in words if word.startswith("--plugin=")))

    def metric(self, name: str) -> MetricRecord:
        """The record of a metric."""
        return next(metric for metric in self.metrics if metric.name == name)

    def cell(self, cell_id: str) -> CellRecord:
        """The record of a cell."""
        return next(cell for cell in self.cells if cell.cell_id == cell_id)

    def write(self, folder: Path) -> Path:
        """Write it atomically.

        Raises:
            UsageError: the disk is full, or the folder cannot be written.
        """
        path = folder / MANIFEST
        try:
            write_json(path, asdict(self))
        except OSError as error:
            raise cannot_write(folder, error) from error
        return path

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Read the manifest of a run folder.

        Raises:
            UsageError: the folder is not a run folder, or has another schema version.
        """
        path = folder / MANIFEST
        try:
            content: dict[str, Any] = json.loads(read_regular(path).decode())
        except (FileNotFoundError, NotADirectoryError):
            raise UsageError(
                f"{folder} is not a run folder: it has no {MANIFEST}; `gath-bench run` prints the folder it writes."
            ) from None
        except (OSError, ValueError, RecursionError) as error:
            raise UsageError(f"{path} cannot be read: {describe_error(error)}.") from error
        if not isinstance(content, dict) or content.get("schema") != SCHEMA:
            raise UsageError(f"{path} does not have schema {SCHEMA}: run the suite again.")
        try:
            manifest = from_json(cls, content)
        except TypeError:
            manifest = _validated(content, path)
        try:
            _check_cells(manifest)
        except ValueError as error:
            raise UsageError(f"{path} is damaged ({error}): run the suite again.") from error
        return manifest


def _validated(content: dict[str, Any], path: Path) -> Manifest:
    """The manifest of any content, by pydantic, which takes longer to import than to read a manifest.

    Raises:
        UsageError: the content is damaged; the message names the place.
    """
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(Manifest).validate_python(content)
    except ValidationError as error:
        problem = error.errors()[0]
        place = ".".join(map(str, problem["loc"]))
        raise UsageError(f"{path} is damaged ({place}: {problem['msg']}): run the suite again.") from error


def _check_cells(manifest: Manifest) -> None:
    """Names that refer to other records, names that become file names, and numbers of samples.

    Raises:
        ValueError: a cell names a metric without a record, a cell id could leave the run folder, or a cell has no
            samples, which no plan allows.
    """
    known = {metric.name for metric in manifest.metrics}
    for cell in manifest.cells:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", cell.cell_id):
            raise ValueError(f"{cell.cell_id!r:.80} is not a cell id")
        if cell.samples < 1:
            raise ValueError(f"cell {cell.cell_id} has {cell.samples} samples")
        unknown = set(cell.metrics) - known
        if unknown:
            raise ValueError(f"cell {cell.cell_id} has the metric {min(unknown)!r:.80} without a record")
