"""Stage 2: the identity classifier C on stills."""

from __future__ import annotations

import torch
from torch import Tensor

from gath.networks.build import build_classifier
from gath.networks.encoders import IdentityClassifier
from gath.training import losses
from gath.training.augmentation import augment_stills
from gath.training.checkpoint import CLASSIFIER, save_classifier
from gath.training.context import TrainContext
from gath.training.data import Streams
from gath.training.logging import TrainingLogger
from gath.training.run import TrainingRun
from gath.training.stages.teacher import TeacherStage


class ClassifierStage(TeacherStage[IdentityClassifier]):
    """C on the stills stream: it distinguishes the identities under any expression and light."""

    name = "classifier"
    teacher_file = CLASSIFIER

    @classmethod
    def create_untrained(cls, ctx: TrainContext) -> ClassifierStage:
        torch.manual_seed(ctx.config.seed + 1)
        return cls(ctx, ctx.config.classifier, build_classifier(ctx.config, ctx.data.identities))

    def losses(self, position: int, batch_rng: torch.Generator, rng: torch.Generator) -> dict[str, Tensor]:
        settings = self.ctx.config.classifier
        batch = self.ctx.data.stills.batch(position, self.batch_size, batch_rng)
        with self.ctx.autocast():
            embeddings = self.forward(self.ctx.to_memory_format(augment_stills(batch.images, rng)))
        cosines = self.network.cosines(embeddings)
        correct = (cosines.detach().argmax(1) == batch.labels).float().mean()
        loss = losses.classification(cosines, batch.labels, settings.scale, settings.margin)
        return {"loss": loss, "accuracy": correct}

    def finish(self, run: TrainingRun, streams: Streams, logger: TrainingLogger) -> None:
        about = {**streams.describe(), "seed": run.config.seed, "steps": self.steps}
        save_classifier(run.folder / CLASSIFIER, self.network, run.config, about)
