"""The training, from top to bottom: E on frames, C on stills, then G against D.

Every step draws its random numbers from (seed, rank, stage, step) and from nothing else. So a checkpoint holds
weights, optimizers and a step number, and a resumed training gives the same weights to the bit on a CPU.
"""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import torch

from gath import checkpoint
from gath.config import Config, apply_change, parse_config
from gath.data import Endless, Source, StreamName, Streams, fill
from gath.finish import measure_estimator, origin, validate, write_model
from gath.forecast import forecast
from gath.progress import Voice, forget_after
from gath.stages.adversarial import AdversarialStage
from gath.stages.classifier import ClassifierStage
from gath.stages.estimator import EstimatorStage
from gath.stages.stage import Stage, Workshop
from gath.teachers import load_classifier, load_estimator, save_classifier, save_estimator
from gath_bench.contracts import CommandContext
from gath_bench.distributed import Ranks
from gath_bench.errors import UsageError


class Diverged(Exception):
    """A loss is no longer a number. The last good checkpoint is kept."""


class _Halt(Exception):
    """Told to stop while images were drawn."""


@dataclass
class Job:
    """One call of ``gath-bench train``.

    Attributes:
        config: what to train.
        context: makes data sets and evaluates models.
        folder: the run folder; if it holds a checkpoint, the training goes on from there.
        device: ``cpu``, ``cuda`` or ``cuda:i``.
        teachers: a folder with E and C of another training, which are then not trained again.
        cache: where drawn pools are kept; by default in the run folder.
        max_minutes: stop after so long, to be resumed.
        teachers_only: stop before G.
        origin: the command that began this training, and the commit; a resumed training reads them.
    """

    config: Config
    context: CommandContext
    folder: Path
    device: str = "cpu"
    teachers: Path | None = None
    cache: Path | None = None
    max_minutes: float | None = None
    teachers_only: bool = False
    origin: dict[str, Any] = field(default_factory=origin)
    started: float = field(default_factory=time.monotonic)

    @property
    def out_of_time(self) -> bool:
        return self.max_minutes is not None and time.monotonic() - self.started > 60 * self.max_minutes


def train(job: Job) -> bool:
    """Train until done, out of time or told to stop; the run folder then holds all there is.

    Returns:
        whether the training is complete.

    Raises:
        UsageError: the data set, the teachers or the checkpoint do not fit.
        Diverged: a loss became infinite or not a number.
    """
    config, ranks = job.config, Ranks.join("nccl" if job.device.startswith("cuda") else "gloo")
    job.folder.mkdir(parents=True, exist_ok=True)
    voice = Voice(job.folder, loud=ranks.first)
    try:
        with _stop_signals() as stopped:
            shop, streams = _open(job, ranks, voice, stopped)
            state = _resume(job, ranks, voice)
            job.origin = _origin(job, state)
            todo = _stages(job)
            if ranks.first and "stage" not in state:
                checkpoint.save_state(job.folder / checkpoint.STATE, _state(job))
                if not config.compiled:
                    voice.say(forecast(config, job.device, todo))
            for name in todo:
                stage = _stage(name, job, shop, streams)
                if not _run(stage, job, shop, state, voice, stopped):
                    return False
                _keep(stage, job, shop, streams, voice)
            return True
    except _Halt as halt:
        voice.say(f"stopped before {halt}; go on with: {_again(job)}")
        return False
    finally:
        voice.close()
        ranks.leave()


def _stages(job: Job) -> list[str]:
    """What is still to be trained: teachers that lie in the run folder are not."""
    teachers = [
        name for name in ("estimator", "classifier") if not (job.folder / f"{name}.safetensors").exists()
    ]
    return teachers if job.teachers_only else [*teachers, "generator"]


def _run(
    stage: Stage, job: Job, shop: Workshop, state: dict[str, Any], voice: Voice, stopped: list[int]
) -> bool:
    """One stage's loop; false if it was cut short, with a checkpoint to go on from."""
    config, ranks = job.config, shop.ranks
    first = _restore(stage, state) if state.get("stage") == stage.name else 0
    spent = float(state.get("seconds", 0.0))
    if ranks.first:
        forget_after(job.folder, stage.name, first)
    began, kept = time.monotonic(), first
    for step in range(first, stage.steps):
        values = stage.step(step)
        if ranks.any(not torch.isfinite(values["loss"]).item(), job.device):
            raise Diverged(
                f"the loss of the {stage.name} is {values['loss'].item()} at step {step}; the checkpoint of step "
                f"{kept} is kept in {job.folder}: go on from it with a lower learning rate."
            )
        done = step + 1
        if done % config.log_every == 0 or done == stage.steps:
            means = ranks.mean(torch.stack([value.detach().float() for value in values.values()]))
            voice.log(stage.name, step, dict(zip(values, means.tolist(), strict=True)))
        voice.advance(stage.name, done, stage.steps, f"loss {values['loss'].item():.3f}")
        if done % config.sample_every == 0 or done == stage.steps:
            _show(stage, done, voice, ranks)
        every = config.validation.every
        if stage.name == "generator" and every and done % every == 0 and done < stage.steps:
            validate(stage, job.context, shop, voice, done)
        halt = ranks.any(bool(stopped) or job.out_of_time, job.device)
        if done % config.checkpoint_every == 0 or halt or done == stage.steps:
            if ranks.first:
                _save(stage, done, job, spent + time.monotonic() - began)
            kept = done
        if halt and done < stage.steps:
            voice.say(f"stopped after step {done} of the {stage.name}; go on with: {_again(job)}")
            return False
    state.update(stage="", seconds=spent + time.monotonic() - began)
    return True


def _open(job: Job, ranks: Ranks, voice: Voice, stopped: list[int]) -> tuple[Workshop, Streams]:
    """The data set and the workshop; nothing is drawn yet."""
    config = job.config
    adapter = job.context.make("dataset", config.data.name)
    streams = Streams(
        adapter,
        config.data.name,
        au_space=config.au_space,
        resolution=config.resolution,
        seed=config.data.seed,
    )
    cache = job.cache or job.folder / "pools"

    def heed(name: str, done: int, total: int) -> None:
        voice.advance(name, done, total)
        if (stopped or job.out_of_time) and 0 < done < total:
            raise _Halt

    def source(stream: StreamName, count: int) -> Source:
        if not count:
            return Endless(streams, stream, job.device, ranks.rank, ranks.world)
        halted = False
        if ranks.first:
            try:
                fill(streams, stream, count, cache, heed)
            except _Halt:
                halted = True
        if ranks.any(halted, job.device):
            raise _Halt(f"the {stream} were drawn")
        pool = fill(streams, stream, count, cache, lambda *_: None)
        pool.device = job.device
        return pool

    shop = Workshop(
        config, job.device, ranks,
        lambda: source("stills", config.data.stills), lambda: source("frames", config.data.frames),
    )  # fmt: skip
    return shop, streams


def _stage(name: str, job: Job, shop: Workshop, streams: Streams) -> Stage:
    if name == "estimator":
        return EstimatorStage(shop)
    if name == "classifier":
        return ClassifierStage(shop, streams.identities)
    estimator = load_estimator(job.folder / checkpoint.ESTIMATOR, job.config)
    classifier = load_classifier(job.folder / checkpoint.CLASSIFIER, job.config)
    return AdversarialStage(shop, estimator, classifier)


def _keep(stage: Stage, job: Job, shop: Workshop, streams: Streams, voice: Voice) -> None:
    """What a finished stage leaves behind."""
    if not shop.ranks.first:
        shop.ranks.barrier()
        return
    about = {
        "data": streams.fingerprint,
        "data_name": streams.name,
        "seed": job.config.seed,
        "steps": stage.steps,
    }
    if isinstance(stage, EstimatorStage):
        numbers = measure_estimator(stage.network, streams.adapter, shop)
        voice.log("estimator-check", stage.steps, numbers)
        voice.say("E on portraits of the validation split: " + _words(numbers))
        save_estimator(job.folder / checkpoint.ESTIMATOR, stage.network, job.config, {**about, **numbers})
    elif isinstance(stage, ClassifierStage):
        save_classifier(job.folder / checkpoint.CLASSIFIER, stage.network, job.config, about)
    elif isinstance(stage, AdversarialStage):
        numbers = validate(stage, job.context, shop, voice, stage.steps)
        state = checkpoint.load_state(job.folder / checkpoint.STATE)
        place = write_model(stage, job.folder, shop, about, numbers, state)
        voice.say(f"done: {place}; try it with: gath-bench run -m '{job.config.model}[weights={place}]'")
    shop.ranks.barrier()


def _resume(job: Job, ranks: Ranks, voice: Voice) -> dict[str, Any]:
    """The state of the run folder, or an empty one; teachers from elsewhere are copied in."""
    place = job.folder / checkpoint.STATE
    state = checkpoint.load_state(place) if place.exists() else {}
    if "stage" in state:
        voice.say(f"going on from step {state['step']} of the {state['stage']} in {job.folder}")
    elif job.teachers is not None and ranks.first:
        for name in (checkpoint.ESTIMATOR, checkpoint.CLASSIFIER):
            source = job.teachers / name
            if not source.exists():
                raise UsageError(
                    f"there is no {source}: --teachers takes the folder of a training that has E and C."
                )
            if source.resolve() != (job.folder / name).resolve():
                (job.folder / name).write_bytes(source.read_bytes())
    ranks.barrier()
    return state


def _origin(job: Job, state: dict[str, Any]) -> dict[str, Any]:
    """Where a training came from: its first command, and each that went on with other losses from some step."""
    known = state.setdefault("origin", job.origin)
    if "config" in state and state["config"] != job.config.model_dump_json():
        known.setdefault("then", []).append({"step": state.get("step", 0), **job.origin})
    return dict(known)


def _save(stage: Stage, step: int, job: Job, seconds: float) -> None:
    networks = {name: network.state_dict() for name, network in stage.networks.items()}
    for name, tensors in networks.items():
        if not all(bool(torch.isfinite(t).all()) for t in tensors.values() if t.is_floating_point()):
            raise Diverged(
                f"weights of the {name} are no numbers at step {step}; the checkpoint before is kept."
            )
    optimizers = {name: optimizer.state_dict() for name, optimizer in stage.optimizers.items()}
    reached = {
        "stage": stage.name, "step": step, "seconds": seconds, "networks": networks, "optimizers": optimizers
    }  # fmt: skip
    checkpoint.save_state(job.folder / checkpoint.STATE, _state(job, **reached))


def _state(job: Job, **reached: Any) -> dict[str, Any]:
    """What a checkpoint holds; before the first step, the configuration and where it came from."""
    return {"config": job.config.model_dump_json(), "origin": job.origin, **reached}


def _restore(stage: Stage, state: Mapping[str, Any]) -> int:
    for name, network in stage.networks.items():
        network.load_state_dict(state["networks"][name])
    for name, optimizer in stage.optimizers.items():
        optimizer.load_state_dict(state["optimizers"][name])
    return int(state["step"])


def config_of(folder: Path, changes: Sequence[str] = ()) -> Config:
    """The configuration of a training that was stopped.

    Args:
        changes: other weights of losses from here on, as in ``losses.mask=8``.

    Raises:
        UsageError: the folder holds none, or a change is of something else than a loss.
    """
    for change in changes:
        if not change.strip().startswith("losses."):
            raise UsageError(
                f"a training that goes on can change its losses only, and not {change.strip()!r}."
            )
    content = json.loads(checkpoint.load_state(folder / checkpoint.STATE)["config"])
    for change in changes:
        apply_change(content, change)
    return parse_config(content, f"the configuration in {folder / checkpoint.STATE}")


@contextmanager
def _stop_signals() -> Iterator[list[int]]:
    """SIGTERM and SIGINT ask for a checkpoint and an end after the step; a second one ends at once."""
    received: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        received.append(number)
        if len(received) > 1:
            raise KeyboardInterrupt

    old: dict[signal.Signals, Any] = {}
    try:
        for number in (signal.SIGTERM, signal.SIGINT):
            old[number] = signal.signal(number, note)
    except ValueError:  # not the main thread: whoever called deals with signals
        pass
    try:
        yield received
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


def _show(stage: Stage, step: int, voice: Voice, ranks: Ranks) -> None:
    if ranks.first:
        picture = stage.samples()
        if picture is not None:
            voice.picture(stage.name, step, picture)


def _again(job: Job) -> str:
    return f"gath-bench train --resume {job.folder}"


def _words(numbers: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.3f}" for name, value in numbers.items())
