"""What E and C share: both are trained alone, with AdamW and a cosine schedule."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import Generic, Self

import torch
from torch import Tensor

from gath.config import ClassifierConfig, EstimatorConfig
from gath.training.context import TrainContext
from gath.training.optimization import Network, cosine_rate, set_learning_rate
from gath.training.stage import Stage


class TeacherStage(Stage, Generic[Network]):
    """A stage with one network.

    Args:
        ctx: the training.
        settings: of the stage.
        network: untrained.
    """

    def __init__(
        self, ctx: TrainContext, settings: EstimatorConfig | ClassifierConfig, network: Network
    ) -> None:
        self.ctx, self.learning_rate = ctx, settings.learning_rate
        self.steps, self.batch_size = settings.steps, settings.batch_size
        self.network = ctx.to_device(network)
        self.forward = ctx.maybe_compile(self.network)
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
        )
        self.networks = {self.name: self.network}
        self.optimizers = {self.name: self.optimizer}

    @classmethod
    @abstractmethod
    def create_untrained(cls, ctx: TrainContext) -> Self: ...

    @classmethod
    def create(cls, ctx: TrainContext, folder: Path) -> Self:
        return cls.create_untrained(ctx)

    @abstractmethod
    def losses(self, position: int, batch_rng: torch.Generator, rng: torch.Generator) -> dict[str, Tensor]:
        """The ``loss`` of one batch, and other values to log.

        Args:
            position: of the batch in its stream.
            batch_rng: draws the batch, on the CPU.
            rng: for augmentations, on the device.
        """

    def step(self, step: int) -> dict[str, Tensor]:
        ctx, parts = self.ctx, self.ctx.config.accumulate
        self.network.train()
        set_learning_rate(self.optimizer, self.learning_rate * cosine_rate(step, self.steps))
        values: dict[str, Tensor] = {}
        for part in range(parts):
            batch_rng = ctx.rng(self.name, step, part, "batch")
            rng = ctx.rng(self.name, step, part, "augment", device=ctx.device)
            for name, value in self.losses(step * parts + part, batch_rng, rng).items():
                if name == "loss":
                    (value / parts).backward()  # type: ignore[no-untyped-call]
                values[name] = values.get(name, torch.zeros_like(value)) + value.detach() / parts
        ctx.ranks.average_gradients(self.network)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return values
