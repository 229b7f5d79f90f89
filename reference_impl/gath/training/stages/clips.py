"""Stage 3 with clips: the generator G is trained on pairs of frames, and on unpaired stills beside them.

This is an extension of this project for ``gath-warp``. The paper's setting is `AdversarialStage`.
"""

from __future__ import annotations

import torch
from torch import Tensor

from gath.networks.discriminator import set_trainable
from gath.networks.generator import Generated, warp
from gath.training import losses
from gath.training.augmentation import randomize, wash
from gath.training.stages.adversarial import AdversarialStage, Weighted
from gath.training.targets import draw_targets
from gath_bench.augmentations import flip

#: Clips of a batch that D sees.
_JUDGED = 6
#: Weight of `losses.drift`.
_DRIFT = 0.01


class ClipStage(AdversarialStage):
    """G learns the true target of a clip: its pixels, its edges, and its features in E and C.

    The stills of a batch have no target image. They keep identities and scenes diverse, by the losses of E, C and D.
    """

    def _accumulate_gradients(self, step: int, part: int) -> dict[str, Tensor]:
        ctx, config = self.ctx, self.ctx.config
        position = step * config.accumulate + part
        source, truth, aus = self._clips(step, part, position)
        stills = self._stills(step, part, position)
        count = len(source)
        sources = ctx.to_memory_format(torch.cat([source, stills]))
        rng = ctx.rng(self.name, step, part, "targets")
        with torch.no_grad(), ctx.autocast():
            source_aus = self.estimate(sources).clamp(0, 1)
            identity = self.embed(ctx.to_memory_format(stills))
        target, unchanged = draw_targets(source_aus[count:], aus[: len(stills)], config.targets, rng)
        targets = torch.cat([aus, target])
        with ctx.autocast():
            generated: Generated = self.generate(sources, targets, source_aus)
        image = generated.image

        real, judged = truth[:_JUDGED], image[: min(count, _JUDGED)]
        set_trainable(self.discriminator, True)
        d_loss, logits = self._paired_discriminator_loss(step, real, judged.detach())
        (d_loss / config.accumulate).backward()  # type: ignore[no-untyped-call]
        set_trainable(self.discriminator, False)

        terms = {
            **self._target_losses(source, truth, generated),
            **self._network_losses(step, part, image, truth, targets, source_aus, identity),
            "adversarial": (self.weights.adversarial, losses.paired(self._patches(judged), logits["d_real"])),
            **self._preservation_losses(stills, image[count:], unchanged, None),
            **self._regularizers(step, generated),
        }
        g_loss = torch.stack([weight * value for weight, value in terms.values()]).sum()
        (g_loss / config.accumulate).backward()  # type: ignore[no-untyped-call]
        parts = {name: value.detach() for name, (_, value) in terms.items()}
        judgements = {name: value.mean() for name, value in logits.items()}
        return {"g_loss": g_loss.detach(), "d_loss": d_loss.detach(), **judgements, **parts}

    def _patches(self, images: Tensor) -> Tensor:
        """D's logits of realism per patch, (B, 1, 8, 8)."""
        with self.ctx.autocast():
            patches: Tensor = self.discriminate(self.ctx.to_memory_format(images)).patches
        return patches

    def _paired_discriminator_loss(
        self, step: int, real: Tensor, generated: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Loss of D, which compares each generated image with the true target of its clip.

        Person, scene and expression of both are the same, so that D sees artefacts only. Without pairs it learnt
        nothing here: generated images are too close to real ones (docs/training-log.md).
        """
        weights = self.weights
        logits = self._patches(torch.cat([real, generated]))
        true_logits, generated_logits = logits.chunk(2)
        loss = losses.paired(true_logits, generated_logits) + _DRIFT * losses.drift(logits)
        if weights.r1 and step % weights.r1_every == 0:
            real = real.detach().requires_grad_()
            penalty = losses.r1(self.discriminator(real).patches, real)
            loss = loss + weights.r1 / 2 * weights.r1_every * penalty
        return loss, {"d_real": true_logits.detach(), "d_fake": generated_logits.detach()}

    def _clips(self, step: int, part: int, position: int) -> tuple[Tensor, Tensor, Tensor]:
        """Source images, target images and target AUs; both frames of a clip are augmented in the same way."""
        ctx = self.ctx
        batch = ctx.data.clips.batch(position, self.batch_size, ctx.rng(self.name, step, part, "clips"))
        frames = [self._augment(batch.images[:, i], "clips", step, part) for i in range(2)]
        return frames[0], frames[1], batch.labels[:, 1]

    def _stills(self, step: int, part: int, position: int) -> Tensor:
        ctx, count = self.ctx, self.settings.stills
        batch = ctx.data.stills.batch(position, count, ctx.rng(self.name, step, part, "stills"))
        return self._augment(batch.images, "stills", step, part)

    def _augment(self, images: Tensor, name: str, step: int, part: int) -> Tensor:
        rng = self.ctx.rng(self.name, step, part, "augment", name, device=self.ctx.device)
        images = flip(images, rng) if self.ctx.config.mirror else images
        return randomize(images, rng, self.settings.randomize)

    def _target_losses(self, source: Tensor, truth: Tensor, generated: Generated) -> Weighted:
        """Distances between generated and true images of the clips."""
        weights, count = self.weights, len(source)
        image, region = generated.image[:count], losses.changed_region(source, truth)
        terms: Weighted = {
            "reconstruction": (weights.reconstruction, losses.reconstruction(image, truth)),
            "changed": (weights.changed, losses.region_error(image, truth, region)),
            "edges": (weights.edges, losses.edge_error(image, truth)),
            # Not minimised: what copying the source would give.
            "copied": (0.0, losses.region_error(source, truth, region)),
        }
        if weights.warped and generated.flow is not None:
            warped = warp(source.float(), generated.flow[:count])
            terms["warped"] = (weights.warped, losses.region_error(warped, truth, region))
        return terms

    def _au_weight(self, step: int) -> float:
        """The weight of the AU error by E."""
        weights = self.weights
        if weights.au_late is None or step < (1 - weights.late) * self.steps:
            return weights.au
        return weights.au_late

    def _network_losses(
        self,
        step: int,
        part: int,
        image: Tensor,
        truth: Tensor,
        targets: Tensor,
        source_aus: Tensor,
        identity: Tensor,
    ) -> Weighted:
        """Features of E and C against those of the true targets, AUs by E, and identity of the stills by C."""
        ctx, weights, count = self.ctx, self.weights, len(truth)

        def washed(images: Tensor) -> Tensor:
            rng = ctx.rng(self.name, step, part, "wash", device=ctx.device)
            return ctx.to_memory_format(wash(images, rng) if self.settings.wash else images)

        with ctx.autocast():
            # Generated images first: both calls draw the same parameters for the clips.
            features = self.estimator.trunk.features(washed(image[:count]))
            estimated = self.estimator.head(torch.nn.functional.silu(features[-1])).float()
            identity_features = self.classifier.trunk.features(ctx.to_memory_format(image))
            embeddings = torch.nn.functional.normalize(identity_features[-1][count:].float(), dim=1)
            with torch.no_grad():
                true_features = self.estimator.trunk.features(washed(truth))
                true_identity = self.classifier.trunk.features(ctx.to_memory_format(truth))
        au = losses.au_error(
            estimated,
            targets[:count],
            source_aus[:count],
            squared=weights.au_squared,
            emphasis=weights.au_emphasis,
        )
        clip_identity = [layer[:count] for layer in identity_features]
        return {
            "features": (weights.features, losses.feature_distance(features, true_features)),
            "identity_features": (
                weights.identity_features,
                losses.feature_distance(clip_identity, true_identity),
            ),
            "au": (self._au_weight(step), au),
            "au_mae": (0.0, (estimated - targets[:count]).abs().mean()),
            "identity": (weights.identity, losses.identity_distance(identity, embeddings)),
        }
