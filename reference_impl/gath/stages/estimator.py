"""Stage 1: E learns to read AUs off frames, under paint, ghosts and colour casts, so that none of them fools it."""

from __future__ import annotations

import torch
from torch import Tensor

from gath import augment, losses
from gath.networks.build import build_estimator
from gath.stages.stage import Workshop, cosine_rate, set_rate


class EstimatorStage:
    """E on the frames stream."""

    name = "estimator"

    def __init__(self, shop: Workshop) -> None:
        config = shop.config
        self.shop, self.settings, self.steps = shop, config.estimator, config.estimator.steps
        torch.manual_seed(config.seed)
        self.network = shop.place(build_estimator(config))
        self.fast = shop.fast(self.network)
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=self.settings.learning_rate, weight_decay=self.settings.weight_decay
        )
        self.networks = {"estimator": self.network}
        self.optimizers = {"estimator": self.optimizer}

    def step(self, step: int) -> dict[str, Tensor]:
        shop, settings, parts = self.shop, self.settings, self.shop.config.accumulate
        self.network.train()
        set_rate(self.optimizer, settings.learning_rate * cosine_rate(step, self.steps))
        total = torch.zeros((), device=shop.device)
        for part in range(parts):
            batch = shop.frames.batch(
                step * parts + part, settings.batch_size, shop.rng(self.name, step, part, "batch")
            )
            rng = shop.rng(self.name, step, part, "augment", device=shop.device)
            images = shop.lay(
                augment.for_estimator(batch.images, rng, settings.augment, mirror=shop.config.mirror)
            )
            with shop.autocast():
                found = self.fast(images)
            loss = losses.estimation(found, batch.labels) / parts
            loss.backward()  # type: ignore[no-untyped-call]
            total += loss.detach()
        shop.ranks.average_gradients(self.network)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return {"loss": total}

    def samples(self) -> Tensor | None:
        return None
