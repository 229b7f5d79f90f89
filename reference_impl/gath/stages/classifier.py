"""Stage 2: C learns to tell the people of the stills apart, whatever their expression and light."""

from __future__ import annotations

import torch
from torch import Tensor

from gath import augment, losses
from gath.networks.build import build_classifier
from gath.stages.stage import Workshop, cosine_rate, set_rate


class ClassifierStage:
    """C on the stills stream."""

    name = "classifier"

    def __init__(self, shop: Workshop, identities: int) -> None:
        config = shop.config
        self.shop, self.settings, self.steps = shop, config.classifier, config.classifier.steps
        torch.manual_seed(config.seed + 1)
        self.network = shop.place(build_classifier(config, identities))
        self.fast = shop.fast(self.network)
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=self.settings.learning_rate, weight_decay=self.settings.weight_decay
        )
        self.networks = {"classifier": self.network}
        self.optimizers = {"classifier": self.optimizer}

    def step(self, step: int) -> dict[str, Tensor]:
        shop, settings, parts = self.shop, self.settings, self.shop.config.accumulate
        self.network.train()
        set_rate(self.optimizer, settings.learning_rate * cosine_rate(step, self.steps))
        total, right = torch.zeros((), device=shop.device), torch.zeros((), device=shop.device)
        for part in range(parts):
            batch = shop.stills.batch(
                step * parts + part, settings.batch_size, shop.rng(self.name, step, part, "batch")
            )
            rng = shop.rng(self.name, step, part, "augment", device=shop.device)
            with shop.autocast():
                embeddings = self.fast(shop.lay(augment.for_classifier(batch.images, rng)))
            cosines = self.network.cosines(embeddings)
            loss = losses.classification(cosines, batch.labels, settings.scale, settings.margin) / parts
            loss.backward()  # type: ignore[no-untyped-call]
            total += loss.detach()
            right += (cosines.detach().argmax(1) == batch.labels).float().mean() / parts
        shop.ranks.average_gradients(self.network)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return {"loss": total, "accuracy": right}

    def samples(self) -> Tensor | None:
        return None
