"""Stage 2: the identity classifier C on stills."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from gath.networks.build import build_classifier
from gath.training import losses
from gath.training.augmentation import augment_stills
from gath.training.checkpoint import CLASSIFIER, save_classifier
from gath.training.context import TrainContext
from gath.training.data import Streams
from gath.training.logging import TrainingLogger
from gath.training.optimization import cosine_rate, set_learning_rate
from gath.training.run import TrainingRun
from gath.training.stage import Stage


class ClassifierStage(Stage):
    """C on the stills stream: it distinguishes the identities under any expression and light."""

    name = "classifier"
    teacher_file = CLASSIFIER

    def __init__(self, ctx: TrainContext) -> None:
        self.ctx, self.settings = ctx, ctx.config.classifier
        self.steps, self.batch_size = self.settings.steps, self.settings.batch_size
        torch.manual_seed(ctx.config.seed + 1)
        self.network = ctx.to_device(build_classifier(ctx.config, ctx.data.identities))
        self.embed = ctx.maybe_compile(self.network)
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=self.settings.learning_rate, weight_decay=self.settings.weight_decay
        )
        self.networks = {"classifier": self.network}
        self.optimizers = {"classifier": self.optimizer}

    @classmethod
    def create(cls, ctx: TrainContext, folder: Path) -> ClassifierStage:
        return cls(ctx)

    @classmethod
    def create_untrained(cls, ctx: TrainContext) -> ClassifierStage:
        return cls(ctx)

    def step(self, step: int) -> dict[str, Tensor]:
        ctx, settings, parts = self.ctx, self.settings, self.ctx.config.accumulate
        self.network.train()
        set_learning_rate(self.optimizer, settings.learning_rate * cosine_rate(step, self.steps))
        total, correct = torch.zeros((), device=ctx.device), torch.zeros((), device=ctx.device)
        for part in range(parts):
            drawing = ctx.rng(self.name, step, part, "batch")
            batch = ctx.data.stills.batch(step * parts + part, settings.batch_size, drawing)
            rng = ctx.rng(self.name, step, part, "augment", device=ctx.device)
            with ctx.autocast():
                embeddings = self.embed(ctx.to_memory_format(augment_stills(batch.images, rng)))
            cosines = self.network.cosines(embeddings)
            loss = losses.classification(cosines, batch.labels, settings.scale, settings.margin) / parts
            loss.backward()  # type: ignore[no-untyped-call]
            total += loss.detach()
            correct += (cosines.detach().argmax(1) == batch.labels).float().mean() / parts
        ctx.ranks.average_gradients(self.network)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return {"loss": total, "accuracy": correct}

    def finish(self, run: TrainingRun, streams: Streams, logger: TrainingLogger) -> None:
        about = {**streams.describe(), "seed": run.config.seed, "steps": self.steps}
        save_classifier(run.folder / CLASSIFIER, self.network, run.config, about)
