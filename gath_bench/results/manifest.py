"""``manifest.json``: everything that says what a run's numbers are numbers of."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from gath_bench.contracts.metric import Summary
from gath_bench.errors import UsageError

MANIFEST = "manifest.json"
SCHEMA = 1


@dataclass
class CellRecord:
    """A cell as the manifest keeps it.

    Attributes:
        cell_id: its name; the stem of its shards.
        model, model_key: as the user named it, and its component key.
        sees_target: whether the model sees the answer (a reference row).
        trained_against: keys of the evaluators that taught the model.
        dataset, dataset_key, domain: likewise for the data set.
        split, protocol: what of the data set was run.
        samples: how many samples the cell has.
        metrics: the metrics measured in it, by name.
        status: ``"planned"``, ``"ok"`` or ``"failed"``.
        seconds: wall time spent on it, all sessions together.
        precision: the number format that most of the model's arithmetic is done in.
        device, hardware: where it was measured, if not where the manifest says: cells of several runs, joined.
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


@dataclass
class MetricRecord:
    """A metric as the manifest keeps it: enough to print its tables without its code.

    Attributes:
        name: as the user named it.
        key: its component key, with the hash of the evaluators it used.
        evaluators: keys of those evaluators.
        system: whether it measures the model on a device rather than its images.
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
        command: the words of the command line.
        suite: the resolved suite.
        references: the names of the reference models (``oracle``, ``copy_source``).
        seed, device, batch_size: what the cells ran with.
        created, finished: UTC times, ISO 8601.
        environment: versions, commit, hardware, determinism flags.
        skipped: components that the suite allowed to be missing.
        metrics, cells: in the plan's order.
        files: SHA-256 of every shard, once the run is finished.
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
    schema: int = SCHEMA

    @property
    def hardware(self) -> str:
        """What a speed depends on besides the model, in words: ``cuda NVIDIA H200``, ``cpu AMD EPYC 7B13 x2``."""
        machine = self.environment.get("machine", {})
        kind = self.device.partition(":")[0]
        if kind == "cpu":
            named = [machine.get("cpu"), f"x{machine['threads']}" if "threads" in machine else None]
        else:
            named = [machine.get("gpu")]
        return " ".join([kind, *(word for word in named if word)])

    def metric(self, name: str) -> MetricRecord:
        """The record of a metric."""
        return next(metric for metric in self.metrics if metric.name == name)

    def cell(self, cell_id: str) -> CellRecord:
        """The record of a cell."""
        return next(cell for cell in self.cells if cell.cell_id == cell_id)

    def write(self, folder: Path) -> Path:
        """Write it, whole or not at all."""
        path = folder / MANIFEST
        write_json(path, asdict(self))
        return path

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Read the manifest of a run folder.

        Raises:
            UsageError: the folder is no run, or was written by another schema.
        """
        path = folder / MANIFEST
        try:
            content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            raise UsageError(
                f"{folder} is not a run folder: it has no {MANIFEST}; `gath-bench run` prints the folder it writes."
            ) from None
        except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
            raise UsageError(f"{path} cannot be read: {error}.") from error
        if not isinstance(content, dict) or content.get("schema") != SCHEMA:
            raise UsageError(f"{path} was written with another schema than {SCHEMA}: run the suite again.")
        try:
            content["metrics"] = [_metric(record) for record in content["metrics"]]
            content["cells"] = [CellRecord(**record) for record in content["cells"]]
            return cls(**content)
        except (KeyError, TypeError) as error:
            raise UsageError(f"{path} is damaged ({error}): run the suite again.") from error


def write_json(path: Path, content: object) -> None:
    """Write JSON under another name, then rename."""
    scratch = path.with_name(f"{path.name}.{os.getpid()}.part")
    scratch.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    scratch.replace(path)


def sweep(folder: Path) -> None:
    """Remove what a killed writer of the manifest left behind."""
    for leftover in folder.glob(f"{MANIFEST}.*.part"):
        leftover.unlink(missing_ok=True)


def _metric(record: Mapping[str, Any]) -> MetricRecord:
    summaries = [Summary(**{**item, "inputs": tuple(item["inputs"])}) for item in record["summaries"]]
    return MetricRecord(**{**record, "summaries": summaries})
