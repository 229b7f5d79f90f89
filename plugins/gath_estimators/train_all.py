"""Train all evaluators: render data, train, write weights, measure quality on held-out people, write the card."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import nn

from gath_bench.contracts import CommandContext, Features, file_hash
from gath_bench.errors import Unavailable, UsageError
from gath_bench.files import atomic_write, write_json
from gath_estimators import quality, training
from gath_estimators.bundled import (
    WEIGHTS,
    BundledEvaluator,
    SynthFacesAUs,
    SynthFacesIdentity,
    SynthFacesTrunk,
    write_weights,
)
from gath_estimators.card import CardContent, write_card
from gath_estimators.data import HELD_OUT, SCALE, Pool, render_pool
from gath_estimators.networks import TRUNK_WIDTH, AUEnsemble, ConvEncoder, PatchEncoder

#: Optimizer steps between two lines of the log.
_LOG_STEPS = 100
#: Rendered images between two lines of the log.
_LOG_IMAGES = 4096


@dataclass(frozen=True)
class Options:
    """The options of ``gath-bench train-evaluators``.

    Attributes:
        dataset: name of a data set with a stream for evaluators.
        images: number of training images.
        au_steps: optimizer steps of each AU network.
        steps: optimizer steps of identity encoder and trunk.
        seed: of data, weights and augmentations.
        device: ``"cpu"``, ``"cuda"`` or ``"cuda:i"``.
        refine: a folder of evaluators: training continues from its AU networks, and its other networks are copied.
            ``"bundled"`` is the package's own folder; None trains all networks from random weights.
    """

    dataset: str = "synthfaces"
    images: int = 40960
    au_steps: int = 11000
    steps: int = 1500
    seed: int = 0
    device: str = "cpu"
    refine: str | None = None


def train_all(context: CommandContext, folder: Path, options: Options, log: Callable[[str], None]) -> Path:
    """Train all evaluators, or resume a training of the same options; returns the path of the model card.

    Args:
        context: creates the data set.
        folder: the output folder. Finished parts are stored in its subfolder ``work``.
        options: what to train.
        log: receives progress, line by line.

    Raises:
        UsageError: the data set has no stream for evaluators, the folder holds a training with other options, or the
            evaluators to refine cannot be loaded.
    """
    return EvaluatorTraining(context, folder, options, log).run()


@dataclass(frozen=True)
class EvaluatorTraining:
    """One training of all evaluators; `train_all` documents the attributes."""

    context: CommandContext
    folder: Path
    options: Options
    log: Callable[[str], None]

    def run(self) -> Path:
        """Train what is not finished; returns the path of the model card."""
        self._check_options()
        (plain, patches), identity, trunk = self._au_networks, self._identity, self._trunk
        aus = self.pool.aus.shape[1]
        ensemble = AUEnsemble(aus)
        ensemble.plain.load_state_dict(plain.state_dict())
        ensemble.patches.load_state_dict(patches.state_dict())
        measured = quality.verification(
            quality.evaluate(_as_evaluator(identity), quality.as_images(self.held_out)),
            self.held_out.identity,
        )
        calibration = {
            "impostor_mean": round(measured.impostor_mean, 6),
            "threshold": round(measured.threshold, 6),
        }
        space = self.pool.au_space
        write_weights(self.folder, SynthFacesAUs.file, ensemble, aus, au_space=space)
        write_weights(
            self.folder, SynthFacesIdentity.file, identity, training.EMBEDDING, calibration=calibration
        )
        write_weights(self.folder, SynthFacesTrunk.file, trunk, training.EMBEDDING + aus)
        return write_card(self.folder, self._card_content(trunk))

    @cached_property
    def pool(self) -> Pool:
        """The training images."""
        return self._load_or_render("pool", self.options.images)

    @cached_property
    def held_out(self) -> Pool:
        """Images of held-out people, rendered at the evaluators' own scale."""
        return self._load_or_render("held-out", HELD_OUT, SCALE)

    @cached_property
    def held_out_small(self) -> Pool:
        """The same people, rendered at half the scale."""
        return self._load_or_render("held-out-small", HELD_OUT, SCALE // 2)

    @property
    def _refined_folder(self) -> Path | None:
        """The folder of the evaluators that the training starts from."""
        name = self.options.refine
        return WEIGHTS if name == "bundled" else None if name is None else Path(name)

    @cached_property
    def _au_networks(self) -> list[nn.Module]:
        aus = self.pool.aus.shape[1]
        start = self._load_refined(SynthFacesAUs)

        def train(task: training.TrainingTask) -> tuple[ConvEncoder, PatchEncoder]:
            assert start is None or isinstance(start, AUEnsemble)
            return training.train_au_networks(task, start and start.requires_grad_(True))

        empty = [ConvEncoder(aus), PatchEncoder(aus)]
        return self._load_or_train("au", empty, self.options.au_steps, train)

    @cached_property
    def _identity(self) -> nn.Module:
        empty = ConvEncoder(training.EMBEDDING)
        return self._copy_or_train("identity", SynthFacesIdentity, empty, training.train_identity)

    @cached_property
    def _trunk(self) -> nn.Module:
        empty = ConvEncoder(training.EMBEDDING + self.pool.aus.shape[1], TRUNK_WIDTH)
        return self._copy_or_train("trunk", SynthFacesTrunk, empty, training.train_trunk)

    def _copy_or_train(
        self,
        name: str,
        kind: type[BundledEvaluator],
        empty: nn.Module,
        train: Callable[[training.TrainingTask], nn.Module],
    ) -> nn.Module:
        """The network of the evaluators that are refined; without the option a trained one."""
        if (copied := self._load_refined(kind)) is not None:
            return copied
        return self._load_or_train(name, [empty], self.options.steps, lambda task: (train(task),))[0]

    def _load_refined(self, kind: type[BundledEvaluator]) -> nn.Module | None:
        """A network of the evaluators that are refined; None without the option."""
        if self._refined_folder is None:
            return None
        try:
            return kind(folder=self._refined_folder).load()
        except Unavailable as error:
            raise UsageError(f"{self._refined_folder} cannot be refined: {error}.") from error

    def _check_options(self) -> None:
        """Record the options in the folder.

        Raises:
            UsageError: the folder holds a training with other options.
        """
        path = self.folder / "work" / "options.json"
        options = asdict(self.options)
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            write_json(path, options)
        elif json.loads(path.read_text(encoding="utf-8")) != options:
            raise UsageError(
                f"{self.folder} holds a training with other options: name another folder with -o."
            )

    def _load_or_render(self, name: str, count: int, held_out: int = 0) -> Pool:
        path = self.folder / "work" / f"{name}.pt"
        if path.is_file():
            return Pool(**torch.load(path, weights_only=True))
        done, started = 0, time.monotonic()

        def progress(more: int) -> None:
            nonlocal done
            done += more
            if done % _LOG_IMAGES == 0:
                self.log(f"rendered {done} of {count} ({time.monotonic() - started:.0f} s)")

        pool = render_pool(self.context, self.options.dataset, count, self.options.seed, progress, held_out)
        _save(path, vars(pool))
        return pool

    def _load_or_train(
        self, name: str, networks: Sequence[nn.Module], steps: int, train: Callable[..., Any]
    ) -> list[nn.Module]:
        """The networks of a task, from the stored state of a finished training or newly trained."""
        path = self.folder / "work" / f"{name}.pt"
        if not path.is_file():
            started = time.monotonic()

            def progress(network: str, step: int, of: int, loss: float) -> None:
                if step % _LOG_STEPS < training.LOG_EVERY or step == of:
                    seconds = time.monotonic() - started
                    self.log(f"{network}: step {step} of {of}, loss {loss:.4f} ({seconds:.0f} s)")

            options = self.options
            task = training.TrainingTask(
                self.pool, steps, options.seed, options.device, progress, checkpoints=path.parent
            )
            trained = train(task)
            minutes = (time.monotonic() - started) / 60
            _save(path, {"minutes": minutes, "states": [network.cpu().state_dict() for network in trained]})
            for checkpoint in path.parent.glob(f"{name}*.checkpoint.pt"):
                checkpoint.unlink()
        stored = torch.load(path, weights_only=True)
        for network, state in zip(networks, stored["states"], strict=True):
            network.load_state_dict(state)
        return [network.eval() for network in networks]

    def _card_content(self, trunk: nn.Module) -> CardContent:
        """Quality of the written files, loaded as a user would load them."""
        estimator, encoder = SynthFacesAUs(folder=self.folder), SynthFacesIdentity(folder=self.folder)
        evaluate_aus, evaluate_identity = estimator.evaluate_crops, encoder.evaluate_crops
        images, aus = quality.as_images(self.held_out), self.pool.aus.shape[1]
        truth = self.held_out.aus.double().numpy()
        inputs = {name: perturb(images) for name, perturb in quality.PERTURBATIONS.items()}
        inputs[f"rendered at {SCALE // 2} pixels"] = quality.as_images(self.held_out_small)
        measured = {name: quality.evaluate(evaluate_aus, x).double().numpy() for name, x in inputs.items()}
        embeddings = {name: quality.evaluate(evaluate_identity, x) for name, x in inputs.items()}
        identity = self.held_out.identity
        trained = ("au",) if self._refined_folder else ("au", "identity", "trunk")
        attackers = {
            "random paint, tints, ghosts and blur": None,
            "paint chosen by the gradient of the trunk's own AU head": _LastOutputs(trunk, aus),
        }
        return CardContent(
            options=asdict(self.options),
            pool=self.pool.fingerprint,
            au_space=self.pool.au_space,
            minutes={name: self._minutes(name) for name in trained},
            refined_from=file_hash(self._refined_folder / SynthFacesAUs.file)
            if self._refined_folder
            else None,
            aus={name: quality.au_quality(values, truth) for name, values in measured.items()},
            verification={name: quality.verification(x, identity) for name, x in embeddings.items()},
            paint={
                kind: quality.paint_gain(evaluate_aus, self.held_out, attacker)
                for kind, attacker in attackers.items()
            },
            files=[SynthFacesAUs.file, SynthFacesIdentity.file, SynthFacesTrunk.file],
        )

    def _minutes(self, name: str) -> float:
        stored = torch.load(self.folder / "work" / f"{name}.pt", weights_only=True)
        return float(stored["minutes"])


class _LastOutputs(nn.Module):
    """The last K outputs of a network: the AU head of the trunk."""

    def __init__(self, network: nn.Module, count: int) -> None:
        super().__init__()
        self.network, self.count = network, count

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        outputs: torch.Tensor = self.network(images)[:, -self.count :]
        return outputs


def _as_evaluator(network: nn.Module) -> quality.Evaluator:
    def evaluator(images: torch.Tensor) -> Features:
        with torch.no_grad():
            return Features(network(images))

    return evaluator


def _save(path: Path, content: dict[str, Any]) -> None:
    with atomic_write(path) as file:
        torch.save(content, file)
