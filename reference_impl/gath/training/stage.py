"""The interface of a stage."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor, nn

from gath.training.context import TrainContext
from gath.training.data import Streams
from gath.training.logging import TrainingLogger
from gath.training.run import TrainingRun


class Stage(ABC):
    """One part of a training: its networks, its optimizers, and what one step does.

    Attributes:
        name: of the stage, in logs and checkpoints, and of its section of the configuration.
        teacher_file: for E and C, the file in the run folder that holds the trained network; else None.
        steps: the number of steps.
        batch_size: images of the main stream in a batch.
        networks, optimizers: everything that a checkpoint has to hold.
    """

    name: ClassVar[str]
    teacher_file: ClassVar[str | None] = None
    steps: int
    batch_size: int
    networks: Mapping[str, nn.Module]
    optimizers: Mapping[str, torch.optim.Optimizer]

    @classmethod
    @abstractmethod
    def create(cls, ctx: TrainContext, folder: Path) -> Stage:
        """The stage at step 0; results of earlier stages are read from the run folder."""

    @classmethod
    @abstractmethod
    def create_untrained(cls, ctx: TrainContext) -> Stage:
        """The stage with untrained networks, as expensive as the real one, for profiling."""

    @abstractmethod
    def step(self, step: int) -> dict[str, Tensor]:
        """One training step. Its random numbers depend on the seed and the step number only.

        Returns:
            values to log; the names of the losses that are minimised end with ``loss``.
        """

    @abstractmethod
    def finish(self, run: TrainingRun, streams: Streams, logger: TrainingLogger) -> None:
        """Measure the trained network and write it to the run folder. Called on the first rank only."""

    def validate(self, run: TrainingRun, logger: TrainingLogger, step: int) -> Mapping[str, float]:
        """Measure the networks during the training. Called on the first rank only."""
        return {}

    def samples(self) -> Tensor | None:
        """An image (3, H, W) that shows the progress, if there is something to show."""
        return None
