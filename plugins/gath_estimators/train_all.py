"""From nothing to graded evaluators: render, train, measure on strangers, write weights and the card."""

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

from gath_bench.contracts import CommandContext, file_hash
from gath_bench.errors import Unavailable, UsageError
from gath_estimators import quality, training
from gath_estimators.bundled import (
    WEIGHTS,
    Bundled,
    SynthFacesAUs,
    SynthFacesIdentity,
    SynthFacesTrunk,
    write_weights,
)
from gath_estimators.card import Report, write_card
from gath_estimators.data import HELD_OUT, SCALE, Pool, render_pool
from gath_estimators.networks import TRUNK_WIDTH, AUEnsemble, Patches, Plain

_STEPS_TOLD = 100


@dataclass(frozen=True)
class Options:
    """The options of ``gath-bench train-evaluators`` that decide what comes out.

    Attributes:
        refine: a folder of evaluators whose AU networks are trained on, and whose other networks are taken over;
            ``"bundled"`` is the package's own, and nothing trains all from nothing.
    """

    dataset: str = "synthfaces"
    images: int = 40960
    au_steps: int = 11000
    steps: int = 1500
    seed: int = 0
    device: str = "cpu"
    refine: str | None = None


@dataclass(frozen=True)
class School:
    """One training of all evaluators.

    Attributes:
        context: makes the data set.
        folder: where everything goes. ``work/`` in it holds what is finished, so that a second call goes on.
        options: what to train.
        tell: says how it goes, line by line.
    """

    context: CommandContext
    folder: Path
    options: Options
    tell: Callable[[str], None]

    def graduate(self) -> Path:
        """Do whatever is not yet done; the path of the model card.

        Raises:
            UsageError: the data set has no stream for evaluators, or the folder holds another training.
        """
        self._claim()
        (plain, patches), (identity,), (trunk,) = self._au_networks, self._identity, self._trunk
        aus = self.pool.aus.shape[1]
        ensemble = AUEnsemble(aus)
        ensemble.plain.load_state_dict(plain.state_dict())
        ensemble.patches.load_state_dict(patches.state_dict())
        people = quality.verification(
            quality.see(_look(identity), quality.as_images(self.strangers)), self.strangers.identity
        )
        calibration = {
            "impostor_mean": round(people.impostor_mean, 6),
            "threshold": round(people.threshold, 6),
        }
        space = self.pool.au_space
        write_weights(self.folder, SynthFacesAUs.file, ensemble, aus, au_space=space)
        write_weights(
            self.folder, SynthFacesIdentity.file, identity, training.EMBEDDING, calibration=calibration
        )
        write_weights(self.folder, SynthFacesTrunk.file, trunk, training.EMBEDDING + aus)
        return write_card(self.folder, self._report(trunk))

    @property
    def _refined(self) -> Path | None:
        """Where the evaluators lie that are trained on."""
        name = self.options.refine
        return WEIGHTS if name == "bundled" else None if name is None else Path(name)

    @cached_property
    def pool(self) -> Pool:
        """What the networks learn from."""
        return self._kept_pool("pool", self.options.images)

    @cached_property
    def strangers(self) -> Pool:
        """What they are measured on, at the side at which they look."""
        return self._kept_pool("strangers", HELD_OUT, SCALE)

    @cached_property
    def small_strangers(self) -> Pool:
        """The same people in pictures of half the side."""
        return self._kept_pool("small-strangers", HELD_OUT, SCALE // 2)

    @cached_property
    def _au_networks(self) -> list[nn.Module]:
        k = self.pool.aus.shape[1]
        start = self._ancestor(SynthFacesAUs)

        def train(lesson: training.Lesson) -> tuple[Plain, Patches]:
            assert start is None or isinstance(start, AUEnsemble)
            return training.train_au_networks(lesson, start and start.requires_grad_(True))

        return self._kept("au", [Plain(k), Patches(k)], self.options.au_steps, train)

    @cached_property
    def _identity(self) -> list[nn.Module]:
        if (kept := self._ancestor(SynthFacesIdentity)) is not None:
            return [kept]
        empty = [Plain(training.EMBEDDING)]
        return self._kept(
            "identity", empty, self.options.steps, lambda lesson: (training.train_identity(lesson),)
        )

    @cached_property
    def _trunk(self) -> list[nn.Module]:
        if (kept := self._ancestor(SynthFacesTrunk)) is not None:
            return [kept]
        empty = [Plain(training.EMBEDDING + self.pool.aus.shape[1], TRUNK_WIDTH)]
        return self._kept("trunk", empty, self.options.steps, lambda lesson: (training.train_trunk(lesson),))

    def _ancestor(self, kind: type[Bundled]) -> nn.Module | None:
        """A network of the evaluators that are refined, if any are."""
        if self._refined is None:
            return None
        try:
            return kind(folder=self._refined).load()
        except Unavailable as error:
            raise UsageError(f"{self._refined} cannot be refined: {error}.") from error

    def _claim(self) -> None:
        """The folder holds the work of one set of options only."""
        path = self.folder / "work" / "options.json"
        wanted = asdict(self.options)
        if path.is_file():
            if json.loads(path.read_text(encoding="utf-8")) != wanted:
                raise UsageError(
                    f"{self.folder} holds a training with other options: name another folder with -o."
                )
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(wanted, indent=2) + "\n", encoding="utf-8")

    def _kept_pool(self, name: str, count: int, strangers: int = 0) -> Pool:
        path = self.folder / "work" / f"{name}.pt"
        if path.is_file():
            return Pool(**torch.load(path, weights_only=True))
        done, started = 0, time.monotonic()

        def progress(more: int) -> None:
            nonlocal done
            done += more
            if done % 4096 == 0:
                self.tell(f"rendered {done} of {count} ({time.monotonic() - started:.0f} s)")

        pool = render_pool(self.context, self.options.dataset, count, self.options.seed, progress, strangers)
        _save(path, vars(pool))
        return pool

    def _kept(
        self, name: str, networks: Sequence[nn.Module], steps: int, train: Callable[..., Any]
    ) -> list[nn.Module]:
        """The networks of a lesson: as they were saved, or trained and saved."""
        path = self.folder / "work" / f"{name}.pt"
        if not path.is_file():
            started = time.monotonic()

            def progress(which: str, step: int, of: int, loss: float) -> None:
                if step % _STEPS_TOLD < training.TOLD_EVERY or step == of:
                    self.tell(
                        f"{which}: step {step} of {of}, loss {loss:.4f} ({time.monotonic() - started:.0f} s)"
                    )

            lesson = training.Lesson(self.pool, steps, self.options.seed, self.options.device, progress)
            made = train(lesson)
            minutes = (time.monotonic() - started) / 60
            _save(path, {"minutes": minutes, "states": [network.cpu().state_dict() for network in made]})
        kept = torch.load(path, weights_only=True)
        for network, state in zip(networks, kept["states"], strict=True):
            network.load_state_dict(state)
        return [network.eval() for network in networks]

    def _report(self, trunk: nn.Module) -> Report:
        """Measured on the written files, as a user would load them."""
        estimator, encoder = SynthFacesAUs(folder=self.folder), SynthFacesIdentity(folder=self.folder)
        images, k = quality.as_images(self.strangers), self.pool.aus.shape[1]
        truth = self.strangers.aus.double().numpy()
        stressed = {name: stress(images) for name, stress in quality.STRESSES.items()}
        stressed[f"rendered at {SCALE // 2} pixels"] = quality.as_images(self.small_strangers)
        read = {name: quality.see(estimator.judge, seen).double().numpy() for name, seen in stressed.items()}
        au_painter = _LastOutputs(trunk, k)
        trained = ("au",) if self._refined else ("au", "identity", "trunk")
        return Report(
            options=asdict(self.options),
            pool=self.pool.fingerprint,
            au_space=self.pool.au_space,
            minutes={name: self._minutes(name) for name in trained},
            ancestor=file_hash(self._refined / SynthFacesAUs.file) if self._refined else None,
            aus={name: quality.au_quality(measured, truth) for name, measured in read.items()},
            people={
                name: quality.verification(quality.see(encoder.judge, seen), self.strangers.identity)
                for name, seen in stressed.items()
            },
            paint={
                "random paint, tints, ghosts and blur": quality.paint_gain(
                    estimator.judge, self.strangers, None
                ),
                "paint chosen by the gradient of the trunk's own AU head": quality.paint_gain(
                    estimator.judge, self.strangers, au_painter
                ),
            },
            files=[SynthFacesAUs.file, SynthFacesIdentity.file, SynthFacesTrunk.file],
        )

    def _minutes(self, name: str) -> float:
        kept = torch.load(self.folder / "work" / f"{name}.pt", weights_only=True)
        return float(kept["minutes"])


class _LastOutputs(nn.Module):
    """The last K outputs of a network: the AU head of the trunk."""

    def __init__(self, network: nn.Module, count: int) -> None:
        super().__init__()
        self.network, self.count = network, count

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        answer: torch.Tensor = self.network(images)[:, -self.count :]
        return answer


def _look(network: nn.Module) -> quality.Look:
    from gath_bench.contracts import Features

    def look(images: torch.Tensor) -> Features:
        with torch.no_grad():
            return Features(network(images))

    return look


def _save(path: Path, what: dict[str, Any]) -> None:
    """By rename: a kill leaves the old file or the new one."""
    part = path.with_suffix(".part")
    torch.save(what, part)
    part.replace(path)
