"""Stage 1: the AU estimator E on frames."""

from __future__ import annotations

import torch
from torch import Tensor

from gath.networks.build import build_estimator
from gath.networks.encoders import AUEstimator
from gath.training import losses
from gath.training.augmentation import augment_frames
from gath.training.checkpoint import ESTIMATOR, save_estimator
from gath.training.context import TrainContext
from gath.training.data import Streams
from gath.training.logging import TrainingLogger, describe_values
from gath.training.run import TrainingRun
from gath.training.stages.teacher import TeacherStage
from gath.training.validation import measure_estimator


class EstimatorStage(TeacherStage[AUEstimator]):
    """E on the frames stream, with artefacts and colour casts on half of each batch, so that they do not fool it."""

    name = "estimator"
    teacher_file = ESTIMATOR

    @classmethod
    def create_untrained(cls, ctx: TrainContext) -> EstimatorStage:
        torch.manual_seed(ctx.config.seed)
        return cls(ctx, ctx.config.estimator, build_estimator(ctx.config))

    def losses(self, position: int, batch_rng: torch.Generator, rng: torch.Generator) -> dict[str, Tensor]:
        config = self.ctx.config
        batch = self.ctx.data.frames.batch(position, self.batch_size, batch_rng)
        images = augment_frames(batch.images, rng, config.estimator.augment, mirror=config.mirror)
        with self.ctx.autocast():
            estimated = self.forward(self.ctx.to_memory_format(images))
        return {"loss": losses.estimation(estimated, batch.labels)}

    def finish(self, run: TrainingRun, streams: Streams, logger: TrainingLogger) -> None:
        numbers = measure_estimator(self.network, streams.adapter, self.ctx)
        logger.log("estimator-check", self.steps, numbers)
        found = describe_values(numbers) if numbers else "not measured, it has none with AUs"
        logger.message(f"E on portraits of the validation split: {found}")
        about = {**streams.describe(), "seed": run.config.seed, "steps": self.steps, **numbers}
        save_estimator(run.folder / ESTIMATOR, self.network, run.config, about)
