"""The arguments of life-cycle hooks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class RunInfo:
    """A run: its folder and its number of cells."""

    path: Path
    cells: int


@dataclass(frozen=True)
class CellResult:
    """A finished cell.

    Attributes:
        cell_id: unique in the run.
        model_key: the model's component key.
        dataset_key: the data set's component key.
        protocol: same-subject, cross-subject or sweep.
        samples: its number of samples.
        status: ``"ok"``, or ``"failed"`` when a component failed in it.
        seconds: wall time of all sessions.
    """

    cell_id: str
    model_key: str
    dataset_key: str
    protocol: str
    samples: int
    status: str
    seconds: float
