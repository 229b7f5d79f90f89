"""Stage 1: the AU estimator E on frames."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from gath.networks.build import build_estimator
from gath.training import losses
from gath.training.augmentation import augment_frames
from gath.training.checkpoint import ESTIMATOR, save_estimator
from gath.training.context import TrainContext
from gath.training.data import Streams
from gath.training.logging import TrainingLogger, describe_values
from gath.training.optimization import cosine_rate, set_learning_rate
from gath.training.run import TrainingRun
from gath.training.stage import Stage
from gath.training.validation import measure_estimator


class EstimatorStage(Stage):
    """E on the frames stream, with artefacts and colour casts on half of each batch, so that they do not fool it."""

    name = "estimator"
    teacher_file = ESTIMATOR

    def __init__(self, ctx: TrainContext) -> None:
        self.ctx, self.settings = ctx, ctx.config.estimator
        self.steps, self.batch_size = self.settings.steps, self.settings.batch_size
        torch.manual_seed(ctx.config.seed)
        self.network = ctx.to_device(build_estimator(ctx.config))
        self.estimate = ctx.maybe_compile(self.network)
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=self.settings.learning_rate, weight_decay=self.settings.weight_decay
        )
        self.networks = {"estimator": self.network}
        self.optimizers = {"estimator": self.optimizer}

    @classmethod
    def create(cls, ctx: TrainContext, folder: Path) -> EstimatorStage:
        return cls(ctx)

    @classmethod
    def create_untrained(cls, ctx: TrainContext) -> EstimatorStage:
        return cls(ctx)

    def step(self, step: int) -> dict[str, Tensor]:
        ctx, settings, parts = self.ctx, self.settings, self.ctx.config.accumulate
        self.network.train()
        set_learning_rate(self.optimizer, settings.learning_rate * cosine_rate(step, self.steps))
        total = torch.zeros((), device=ctx.device)
        for part in range(parts):
            drawing = ctx.rng(self.name, step, part, "batch")
            batch = ctx.data.frames.batch(step * parts + part, settings.batch_size, drawing)
            rng = ctx.rng(self.name, step, part, "augment", device=ctx.device)
            images = augment_frames(batch.images, rng, settings.augment, mirror=ctx.config.mirror)
            with ctx.autocast():
                estimated = self.estimate(ctx.to_memory_format(images))
            loss = losses.estimation(estimated, batch.labels) / parts
            loss.backward()  # type: ignore[no-untyped-call]
            total += loss.detach()
        ctx.ranks.average_gradients(self.network)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return {"loss": total}

    def finish(self, run: TrainingRun, streams: Streams, logger: TrainingLogger) -> None:
        numbers = measure_estimator(self.network, streams.adapter, self.ctx)
        logger.log("estimator-check", self.steps, numbers)
        logger.message("E on portraits of the validation split: " + describe_values(numbers))
        about = {**streams.describe(), "seed": run.config.seed, "steps": self.steps, **numbers}
        save_estimator(run.folder / ESTIMATOR, self.network, run.config, about)
