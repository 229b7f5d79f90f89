"""Stage 3: G against D, taught by E and C. One step of it is the whole method; read ``step`` first."""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from gath import augment, losses
from gath.networks.build import build_discriminator, build_generator
from gath.networks.discriminator import set_trainable
from gath.networks.encoders import AUEstimator, IdentityClassifier
from gath.networks.generator import Generator, Painted
from gath.stages.grid import sample_grid
from gath.stages.stage import Workshop, frozen, linear_rate, set_rate
from gath.targets import draw_targets


class AdversarialStage:
    """G and D on both streams; E and C only look on."""

    name = "generator"

    def __init__(self, shop: Workshop, estimator: AUEstimator, classifier: IdentityClassifier) -> None:
        config = shop.config
        self.shop, self.settings, self.steps = shop, config.generator, config.generator.steps
        self.estimator, self.classifier = frozen(shop.place(estimator)), frozen(shop.place(classifier))
        torch.manual_seed(config.seed + 2)
        self.generator: Generator = shop.place(build_generator(config))
        self.discriminator = shop.place(build_discriminator(config))
        self.average = frozen(copy.deepcopy(self.generator))
        rates, betas = self.settings, self.settings.betas
        self.for_generator = torch.optim.Adam(self.generator.parameters(), rates.learning_rate, betas)
        self.for_discriminator = torch.optim.Adam(
            self.discriminator.parameters(), rates.discriminator_learning_rate, betas
        )
        self.paint, self.judge = shop.fast(self.generator), shop.fast(self.discriminator)
        self.read, self.recognise = shop.fast(self.estimator), shop.fast(self.classifier)
        self._portraits: Tensor | None = None
        self.networks = {
            "generator": self.generator, "discriminator": self.discriminator, "average": self.average
        }  # fmt: skip
        self.optimizers = {"generator": self.for_generator, "discriminator": self.for_discriminator}

    def step(self, step: int) -> dict[str, Tensor]:
        """Both networks take one step, from gradients at the same point."""
        shop, settings = self.shop, self.settings
        rate = linear_rate(step, self.steps, settings.decay_from)
        set_rate(self.for_generator, settings.learning_rate * rate)
        set_rate(self.for_discriminator, settings.discriminator_learning_rate * rate)
        log: dict[str, Tensor] = {}
        for part in range(shop.config.accumulate):
            for name, value in self._learn(step, part).items():
                log[name] = log.get(name, torch.zeros_like(value)) + value / shop.config.accumulate
        shop.ranks.average_gradients(self.discriminator)
        shop.ranks.average_gradients(self.generator)
        self.for_discriminator.step()
        self.for_generator.step()
        self.for_discriminator.zero_grad(set_to_none=True)
        self.for_generator.zero_grad(set_to_none=True)
        self._follow(step)
        return log

    def _learn(self, step: int, part: int) -> dict[str, Tensor]:
        """Gradients of both networks from one batch of portraits and one of other people's frames."""
        shop, config = self.shop, self.shop.config
        size, position = self.settings.batch_size, step * config.accumulate + part
        chance = shop.rng(self.name, step, part, "targets")
        rng = shop.rng(self.name, step, part, "augment", device=shop.device)
        stills = shop.stills.batch(position, size, shop.rng(self.name, step, part, "stills"))
        frames = shop.frames.batch(position, size, shop.rng(self.name, step, part, "frames"))
        source, faces = (
            shop.lay(augment.flip(batch.images, rng) if config.mirror else batch.images)
            for batch in (stills, frames)
        )

        with torch.no_grad(), shop.autocast():
            source_aus = self.read(source).clamp(0, 1)
            person = self.recognise(source)
        target, unchanged = draw_targets(source_aus, frames.labels, config.targets, chance)
        with shop.autocast():
            painted = self.paint(source, target, source_aus)
            again = self._back(painted.image, source_aus, target)

        set_trainable(self.discriminator, True)
        judged = self._discriminator_loss(step, source, painted.image.detach(), target, faces, frames.labels)
        (judged["d"] / config.accumulate).backward()  # type: ignore[no-untyped-call]
        set_trainable(self.discriminator, False)

        parts = {
            **self._verdicts(painted.image, source_aus, target, person, rng),
            **self._bounds(step, painted),
        }
        if config.losses.change:
            parts["change"] = (config.losses.change, losses.reconstruction(painted.image, source))
        if config.losses.same:
            # 0 where a batch asks everybody to change: every rank must log the same names.
            pair = (painted.image[unchanged], source[unchanged])
            same = losses.reconstruction(*pair) if len(unchanged) else painted.image.new_zeros(())
            parts["same"] = (config.losses.same, same)
        if again is not None:
            parts["cycle"] = (config.losses.cycle, losses.reconstruction(again, source[: len(again)]))
        loss = torch.stack([weight * value for weight, value in parts.values()]).sum()
        (loss / config.accumulate).backward()  # type: ignore[no-untyped-call]
        shown = {name: value.detach() for name, (_, value) in parts.items()}
        return {"loss": (loss + judged["d"]).detach(), **judged, "d": judged["d"].detach(), **shown}

    def _back(self, painted: Tensor, source_aus: Tensor, target: Tensor) -> Tensor | None:
        """The way back, for a share of the batch: the painted faces asked for the portraits' own AUs."""
        weights = self.shop.config.losses
        count = round(weights.cycle_share * len(painted))
        if not weights.cycle or not count:
            return None
        back: Painted = self.paint(self.shop.lay(painted[:count]), source_aus[:count], target[:count])
        return back.image

    def _discriminator_loss(
        self, step: int, stills: Tensor, painted: Tensor, target: Tensor, faces: Tensor, aus: Tensor
    ) -> dict[str, Tensor]:
        """D: stills are real and paintings are not; frames show their own AUs and not somebody else's.

        Realism is taught by stills alone, so that G learns nothing about the few people of the frames.
        """
        weights, critic = self.shop.config.losses, self.discriminator
        count = len(stills)
        with self.shop.autocast():
            seen = self.judge(self.shop.lay(torch.cat([stills, painted, faces])))
            real, fake, _ = seen.patches.split(count)
            _, painted_face, frame_face = seen.face.split(count)
            right = critic.match(frame_face, aus)
            wrong = critic.match(frame_face, aus.roll(1, 0))
            claimed = critic.match(painted_face, target)
        realism = weights.real * losses.hinge_real(real) + weights.fake * losses.hinge_fake(fake)
        match = (
            weights.real * losses.hinge_real(right)
            + weights.fake * losses.hinge_fake(claimed)
            + weights.wrong * losses.hinge_fake(wrong)
        )
        loss = realism + match
        if weights.r1 and step % weights.r1_every == 0:
            stills, faces = stills.detach().requires_grad_(), faces.detach().requires_grad_()
            penalty = losses.r1(critic(stills).patches, stills)
            penalty = penalty + losses.r1(critic.match(critic(faces).face, aus), faces)
            loss = loss + weights.r1 / 2 * weights.r1_every * penalty
        return {
            "d": loss, "d_real": real.detach().mean(), "d_fake": fake.detach().mean(),
            "d_right": right.detach().mean(), "d_wrong": wrong.detach().mean(),
            "d_claimed": claimed.detach().mean(),
        }  # fmt: skip

    def _verdicts(
        self, painted: Tensor, source_aus: Tensor, target: Tensor, person: Tensor, rng: torch.Generator
    ) -> dict[str, tuple[float, Tensor]]:
        """What D, E and C say of the painted images: name -> weight and loss."""
        weights = self.shop.config.losses
        shown = augment.before_estimator(painted, rng) if self.settings.wash else painted
        with self.shop.autocast():
            judged = self.judge(self.shop.lay(painted))
            found = self.read(self.shop.lay(shown))
            match = self.discriminator.match(judged.face, target)
            kept = losses.identity_kept(person, self.recognise(self.shop.lay(painted)))
        au = losses.au_error(
            found, target, source_aus, squared=weights.au_squared, emphasis=weights.au_emphasis
        )
        return {
            "adversarial": (weights.adversarial, losses.adversarial(judged.patches)),
            "match": (weights.match, losses.adversarial(match)),
            "au": (weights.au, au),
            "au_mae": (0.0, (found - target).abs().mean()),
            "identity": (weights.identity, kept),
        }

    def _bounds(self, step: int, painted: Painted) -> dict[str, tuple[float, Tensor]]:
        """What keeps flow, mask and residual small; nothing for a generator that has none of them."""
        weights = self.shop.config.losses
        found: dict[str, tuple[float, Tensor]] = {}
        if painted.mask is not None:
            early = step < weights.early * self.steps
            found["mask"] = (weights.mask_early if early else weights.mask, losses.magnitude(painted.mask))
        if painted.flow is not None:
            found["flow"] = (weights.flow, losses.flow_length(painted.flow))
            found["roughness"] = (weights.roughness, losses.flow_roughness(painted.flow))
        if painted.residual is not None and painted.mask is not None:
            variation = losses.total_variation(painted.mask * painted.residual)
            found["residual_variation"] = (weights.residual_variation, variation)
        return found

    @torch.no_grad()
    def _follow(self, step: int) -> None:
        """The moving average of G; it follows faster in the beginning."""
        decay = min(self.settings.ema, (1 + step) / (10 + step))
        pairs = zip(self.average.parameters(), self.generator.parameters(), strict=True)
        for mean, now in pairs:
            mean.lerp_(now, 1 - decay)

    def samples(self) -> Tensor | None:
        """A few portraits of the stills under the averaged G."""
        if self._portraits is None:  # kept: a stream that is endless cannot go back for them
            self._portraits = self.shop.stills.batch(0, 8, torch.Generator().manual_seed(0)).images
        return sample_grid(self.average, self.estimator, self._portraits, self.shop.config.au_space)
