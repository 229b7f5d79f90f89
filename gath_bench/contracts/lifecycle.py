"""What the life-cycle hooks are told."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class RunInfo:
    """A run: its folder, and how many cells its plan has."""

    path: Path
    cells: int


@dataclass(frozen=True)
class CellResult:
    """A finished cell.

    Attributes:
        cell_id: its name in the run folder.
        model_key: the model's component key.
        dataset_key: the data set's component key.
        protocol: same-subject, cross-subject or sweep.
        samples: how many samples it holds.
        status: ``"ok"``, or ``"failed"`` when a component failed in it.
        seconds: wall time of this session's share of the work.
    """

    cell_id: str
    model_key: str
    dataset_key: str
    protocol: str
    samples: int
    status: str
    seconds: float
