"""The settings of one training run."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gath.config import Config
from gath_bench.contracts import CommandContext
from gath_bench.git import source_state


def current_origin() -> dict[str, Any]:
    """The command line of this process and the commit of the code."""
    source = source_state(__file__)
    return {
        "command": ["gath-bench", *sys.argv[1:]],
        "commit": str(source) if source.commit is not None else None,
    }


@dataclass
class TrainingRun:
    """One call of ``gath-bench train``.

    Attributes:
        config: what to train.
        context: creates data sets and evaluates models.
        folder: the run folder; if it holds a checkpoint, the training resumes from it.
        device: ``cpu``, ``cuda`` or ``cuda:i``.
        teachers: a run folder whose E and C are used; they are then not trained again.
        estimator: a weights file of a generator, whose E is used; it is then not trained again.
        cache: folder of the pools; by default in the run folder.
        max_minutes: stop after this time, resumable.
        teachers_only: stop before G is trained.
        origin: the command that started the training, and the commit; kept in checkpoints.
    """

    config: Config
    context: CommandContext
    folder: Path
    device: str = "cpu"
    teachers: Path | None = None
    estimator: Path | None = None
    cache: Path | None = None
    max_minutes: float | None = None
    teachers_only: bool = False
    origin: dict[str, Any] = field(default_factory=current_origin)

    @property
    def pools(self) -> Path:
        """The folder of the pools."""
        return self.cache or self.folder / "pools"

    @property
    def resume_command(self) -> str:
        """The command that resumes this training."""
        return f"gath-bench train --resume {self.folder}"
