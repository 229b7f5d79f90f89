"""Stage 3: the generator G against the discriminator D, guided by E and C. Read ``step`` first."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from gath.networks.build import build_classifier, build_discriminator, build_estimator, build_generator
from gath.networks.discriminator import set_trainable
from gath.networks.encoders import AUEstimator, IdentityClassifier
from gath.networks.generator import Generated, Generator
from gath.training import losses
from gath.training.augmentation import wash
from gath.training.checkpoint import CLASSIFIER, ESTIMATOR, STATE, load_classifier, load_estimator, load_state
from gath.training.context import TrainContext
from gath.training.data import Streams
from gath.training.logging import TrainingLogger
from gath.training.optimization import freeze, linear_rate, set_learning_rate
from gath.training.profiling import cost_table, measure_costs
from gath.training.run import TrainingRun
from gath.training.samples import sample_sheet
from gath.training.stage import Stage
from gath.training.stages.classifier import ClassifierStage
from gath.training.stages.estimator import EstimatorStage
from gath.training.targets import draw_targets
from gath.training.validation import publish_generator, validate_generator
from gath_bench.augmentations import flip

#: Name of a loss -> its weight and its value.
Weighted = dict[str, tuple[float, Tensor]]


class AdversarialStage(Stage):
    """G and D on stills and frames, which are never paired; E and C are frozen."""

    name = "generator"

    def __init__(self, ctx: TrainContext, estimator: AUEstimator, classifier: IdentityClassifier) -> None:
        config = ctx.config
        self.ctx, self.settings, self.weights = ctx, config.generator, config.losses
        self.steps, self.batch_size = self.settings.steps, self.settings.batch_size
        self.estimator = freeze(ctx.to_device(estimator))
        self.classifier = freeze(ctx.to_device(classifier))
        torch.manual_seed(config.seed + 2)
        self.generator: Generator = ctx.to_device(build_generator(config))
        self.discriminator = ctx.to_device(build_discriminator(config))
        self.average = freeze(copy.deepcopy(self.generator))
        rates, betas = self.settings, self.settings.betas
        self.g_optimizer = torch.optim.Adam(self.generator.parameters(), rates.learning_rate, betas)
        self.d_optimizer = torch.optim.Adam(
            self.discriminator.parameters(), rates.discriminator_learning_rate, betas
        )
        # The same networks, compiled if the configuration says so.
        self.generate = ctx.maybe_compile(self.generator)
        self.discriminate = ctx.maybe_compile(self.discriminator)
        self.estimate = ctx.maybe_compile(self.estimator)
        self.embed = ctx.maybe_compile(self.classifier)
        self._portraits: Tensor | None = None
        self.networks = {
            "generator": self.generator,
            "discriminator": self.discriminator,
            "average": self.average,
        }
        self.optimizers = {"generator": self.g_optimizer, "discriminator": self.d_optimizer}

    @classmethod
    def create(cls, ctx: TrainContext, folder: Path) -> AdversarialStage:
        estimator = load_estimator(folder / ESTIMATOR, ctx.config)
        return cls(ctx, estimator, load_classifier(folder / CLASSIFIER, ctx.config))

    @classmethod
    def create_untrained(cls, ctx: TrainContext) -> AdversarialStage:
        return cls(ctx, build_estimator(ctx.config), build_classifier(ctx.config, ctx.data.identities))

    def step(self, step: int) -> dict[str, Tensor]:
        """One step of both networks, with gradients at the same point."""
        ctx, settings = self.ctx, self.settings
        rate = linear_rate(step, self.steps, settings.decay_from)
        set_learning_rate(self.g_optimizer, settings.learning_rate * rate)
        set_learning_rate(self.d_optimizer, settings.discriminator_learning_rate * rate)
        values: dict[str, Tensor] = {}
        for part in range(ctx.config.accumulate):
            for name, value in self._accumulate_gradients(step, part).items():
                values[name] = values.get(name, torch.zeros_like(value)) + value / ctx.config.accumulate
        ctx.ranks.average_gradients(self.discriminator)
        ctx.ranks.average_gradients(self.generator)
        self.d_optimizer.step()
        self.g_optimizer.step()
        self.d_optimizer.zero_grad(set_to_none=True)
        self.g_optimizer.zero_grad(set_to_none=True)
        self._update_ema(step)
        return values

    def _accumulate_gradients(self, step: int, part: int) -> dict[str, Tensor]:
        """Add the gradients of both networks for one batch of stills and one of other people's frames."""
        ctx, config = self.ctx, self.ctx.config
        size, position = self.settings.batch_size, step * config.accumulate + part
        target_rng = ctx.rng(self.name, step, part, "targets")
        rng = ctx.rng(self.name, step, part, "augment", device=ctx.device)
        stills = ctx.data.stills.batch(position, size, ctx.rng(self.name, step, part, "stills"))
        frames = ctx.data.frames.batch(position, size, ctx.rng(self.name, step, part, "frames"))
        source, faces = (
            ctx.to_memory_format(flip(batch.images, rng) if config.mirror else batch.images)
            for batch in (stills, frames)
        )

        with torch.no_grad(), ctx.autocast():
            source_aus = self.estimate(source).clamp(0, 1)
            identity = self.embed(source)
        target, unchanged = draw_targets(source_aus, frames.labels, config.targets, target_rng)
        with ctx.autocast():
            generated: Generated = self.generate(source, target, source_aus)
            returned = self._cycle(generated.image, source_aus, target)

        set_trainable(self.discriminator, True)
        d_loss, judgements = self._discriminator_loss(
            step, source, generated.image.detach(), target, faces, frames.labels
        )
        (d_loss / config.accumulate).backward()  # type: ignore[no-untyped-call]
        set_trainable(self.discriminator, False)

        terms = {
            **self._guidance_losses(generated.image, source_aus, target, identity, rng),
            **self._preservation_losses(source, generated.image, unchanged, returned),
            **self._regularizers(step, generated),
        }
        g_loss = torch.stack([weight * value for weight, value in terms.values()]).sum()
        (g_loss / config.accumulate).backward()  # type: ignore[no-untyped-call]
        parts = {name: value.detach() for name, (_, value) in terms.items()}
        return {"g_loss": g_loss.detach(), "d_loss": d_loss.detach(), **judgements, **parts}

    def _cycle(self, generated: Tensor, source_aus: Tensor, target: Tensor) -> Tensor | None:
        """For a share of the batch: the generated images, animated back to the portraits' own AUs."""
        count = round(self.weights.cycle_share * len(generated))
        if not self.weights.cycle or not count:
            return None
        images = self.ctx.to_memory_format(generated[:count])
        returned: Generated = self.generate(images, source_aus[:count], target[:count])
        return returned.image

    def _discriminator_loss(
        self, step: int, stills: Tensor, generated: Tensor, target: Tensor, faces: Tensor, aus: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Loss of D: stills are real, generated images are not; frames show their own AUs, not those of others.

        Realism is learnt from stills only, so that G does not learn the appearance of the people in the frames.
        """
        weights, network = self.weights, self.discriminator
        count = len(stills)
        with self.ctx.autocast():
            judged = self.discriminate(self.ctx.to_memory_format(torch.cat([stills, generated, faces])))
            real, fake, _ = judged.patches.split(count)
            _, generated_face, frame_face = judged.face.split(count)
            right = network.match(frame_face, aus)
            wrong = network.match(frame_face, aus.roll(1, 0))
            claimed = network.match(generated_face, target)
        realism = weights.real * losses.hinge_real(real) + weights.fake * losses.hinge_fake(fake)
        match = (
            weights.real * losses.hinge_real(right)
            + weights.fake * losses.hinge_fake(claimed)
            + weights.wrong * losses.hinge_fake(wrong)
        )
        loss = realism + match
        if weights.r1 and step % weights.r1_every == 0:
            stills, faces = stills.detach().requires_grad_(), faces.detach().requires_grad_()
            penalty = losses.r1(network(stills).patches, stills)
            penalty = penalty + losses.r1(network.match(network(faces).face, aus), faces)
            loss = loss + weights.r1 / 2 * weights.r1_every * penalty
        logits = {"real": real, "fake": fake, "right": right, "wrong": wrong, "claimed": claimed}
        return loss, {f"d_{name}": value.detach().mean() for name, value in logits.items()}

    def _guidance_losses(
        self, generated: Tensor, source_aus: Tensor, target: Tensor, identity: Tensor, rng: torch.Generator
    ) -> Weighted:
        """Losses of G from the other networks: realism and AUs by D, AUs by E, identity by C."""
        weights, ctx = self.weights, self.ctx
        washed = wash(generated, rng) if self.settings.wash else generated
        with ctx.autocast():
            estimated = self.estimate(ctx.to_memory_format(washed))
            distance = losses.identity_distance(identity, self.embed(ctx.to_memory_format(generated)))
        au = losses.au_error(
            estimated, target, source_aus, squared=weights.au_squared, emphasis=weights.au_emphasis
        )
        return {
            **self._realism_losses(generated, target),
            "au": (weights.au, au),
            "au_mae": (0.0, (estimated - target).abs().mean()),
            "identity": (weights.identity, distance),
        }

    def _realism_losses(self, generated: Tensor, target: Tensor) -> Weighted:
        """Losses of G from D: realism of its patches, and agreement with the target AUs."""
        with self.ctx.autocast():
            judged = self.discriminate(self.ctx.to_memory_format(generated))
            match = self.discriminator.match(judged.face, target)
        return {
            "adversarial": (self.weights.adversarial, losses.adversarial(judged.patches)),
            "match": (self.weights.match, losses.adversarial(match)),
        }

    def _preservation_losses(
        self, source: Tensor, generated: Tensor, unchanged: Tensor, returned: Tensor | None
    ) -> Weighted:
        """Losses of G for what should stay as it is."""
        weights = self.weights
        terms: Weighted = {}
        if weights.change:
            terms["change"] = (weights.change, losses.reconstruction(generated, source))
        if weights.same:
            # 0 for a batch without such targets: all ranks must log the same names.
            pair = (generated[unchanged], source[unchanged])
            same = losses.reconstruction(*pair) if len(unchanged) else generated.new_zeros(())
            terms["same"] = (weights.same, same)
        if returned is not None:
            terms["cycle"] = (weights.cycle, losses.reconstruction(returned, source[: len(returned)]))
        return terms

    def _regularizers(self, step: int, generated: Generated) -> Weighted:
        """Losses of G that keep flow, mask and residual small; none for a generator without them."""
        weights = self.weights
        terms: Weighted = {}
        if generated.mask is not None:
            early = step < weights.early * self.steps
            weight = weights.mask_early if early else weights.mask
            terms["mask"] = (weight, losses.magnitude(generated.mask))
        if generated.opacity is not None:
            terms["opacity"] = (weights.opacity, losses.magnitude(generated.opacity))
        if generated.flow is not None:
            terms["flow"] = (weights.flow, losses.flow_length(generated.flow))
            terms["roughness"] = (weights.roughness, losses.flow_roughness(generated.flow))
            if weights.smoothness:
                terms["smoothness"] = (weights.smoothness, losses.total_variation(generated.flow))
        if generated.residual is not None and generated.mask is not None:
            variation = losses.total_variation(generated.mask * generated.residual)
            terms["residual_variation"] = (weights.residual_variation, variation)
        return terms

    @torch.no_grad()
    def _update_ema(self, step: int) -> None:
        """Update the moving average of G; its decay is smaller in the beginning."""
        decay = min(self.settings.ema, (1 + step) / (10 + step))
        for average, current in zip(self.average.parameters(), self.generator.parameters(), strict=True):
            average.lerp_(current, 1 - decay)

    def validate(self, run: TrainingRun, logger: TrainingLogger, step: int) -> Mapping[str, float]:
        return validate_generator(self.average, self.estimator, run, logger, step)

    def finish(self, run: TrainingRun, streams: Streams, logger: TrainingLogger) -> None:
        numbers = self.validate(run, logger, self.steps)
        state = load_state(run.folder / STATE)
        facts = {
            **state["origin"],
            **streams.describe(),
            "seed": run.config.seed,
            "steps": self.steps,
            "seconds": round(float(state["seconds"])),
            "validation": dict(numbers),
        }
        costs = measure_costs(run.config, run.device, (EstimatorStage, ClassifierStage, type(self)))
        path = publish_generator(self.average, self.estimator, run, facts, cost_table(costs))
        logger.message(f"done: {path}; try it with: gath-bench run -m '{run.config.model}[weights={path}]'")

    def samples(self) -> Tensor | None:
        """Some stills, animated by the averaged G."""
        if self._portraits is None:  # kept, since an endless stream cannot return to them
            self._portraits = self.ctx.data.stills.batch(0, 8, torch.Generator().manual_seed(0)).images
        return sample_sheet(self.average, self.estimator, self._portraits, self.ctx.config.au_space)
