"""The training loop: E on frames, C on stills, then G against D.

The random numbers of a step depend on (seed, rank, stage, step) only. A checkpoint therefore holds weights,
optimizers and a step number, and a resumed training gives bit-identical weights on a CPU.
"""

from __future__ import annotations

import time
from typing import Any

import torch
from torch import Tensor

from gath.training import checkpoint
from gath.training.context import TrainContext
from gath.training.data import Pools, Streams
from gath.training.logging import SAMPLES, TrainingLogger, discard_log_from
from gath.training.profiling import forecast
from gath.training.run import TrainingRun
from gath.training.stage import Stage
from gath.training.stages import stages_of
from gath.training.stopping import Interrupted, StopRequest
from gath_bench.distributed import Ranks
from gath_bench.files import remove_partial


class Diverged(Exception):
    """A loss or a weight is NaN or Inf. The last good checkpoint is kept."""


def train(run: TrainingRun) -> bool:
    """Train until the end, the time limit or a signal. Afterwards the run folder holds all results.

    Returns:
        Whether the training is complete.

    Raises:
        UsageError: the data set, the teachers or the checkpoint do not fit the configuration.
        Diverged: a loss or a weight became NaN or Inf.
    """
    config = run.config
    ranks = Ranks.join("nccl" if run.device.startswith("cuda") else "gloo")
    run.folder.mkdir(parents=True, exist_ok=True)
    if ranks.first:
        for folder in (run.folder, run.folder / SAMPLES):
            remove_partial(folder)
    if ranks.world == 1 and run.cache is None:  # nobody else writes these pools
        remove_partial(run.pools)
    logger = TrainingLogger(run.folder, enabled=ranks.first)
    try:
        with StopRequest(run.max_minutes) as stop:
            streams = Streams.load(config, run.context)
            data = Pools(
                streams,
                config.data,
                cache=run.pools,
                device=run.device,
                ranks=ranks,
                progress=logger.progress,
                stop=stop,
            )
            ctx = TrainContext(config, run.device, ranks, data)
            state = _open_run_folder(run, ranks, logger)
            remaining = _remaining_stages(run)
            if ranks.first and "stage" not in state and not config.compiled:
                logger.message(forecast(config, run.device, remaining))
            for stage_type in remaining:
                stage = stage_type.create(ctx, run.folder)
                if not _train_stage(stage, run, ctx, state, logger, stop):
                    return False
                _finish_stage(stage, run, ctx, streams, logger)
            return True
    except Interrupted as interrupted:
        logger.message(f"stopped before {interrupted}; resume with: {run.resume_command}")
        return False
    finally:
        logger.close()
        ranks.leave()


def _train_stage(
    stage: Stage,
    run: TrainingRun,
    ctx: TrainContext,
    state: dict[str, Any],
    logger: TrainingLogger,
    stop: StopRequest,
) -> bool:
    """Train one stage; False if it was stopped, with a checkpoint to resume from."""
    config, ranks = ctx.config, ctx.ranks
    first = saved = _restore(stage, state) if state.get("stage") == stage.name else 0
    seconds_before, start = float(state.get("seconds", 0.0)), time.monotonic()
    if ranks.first:
        discard_log_from(run.folder, stage.name, first)
    for step in range(first, stage.steps):
        values = stage.step(step)
        if ranks.any(not _all_finite(values), run.device):
            raise Diverged(
                f"a loss of the {stage.name} is NaN or Inf at step {step}; the checkpoint of step {saved} is kept in "
                f"{run.folder}: resume from it with lower weights of the losses, or start again with a lower "
                "learning rate."
            )
        done = step + 1
        last = done == stage.steps
        if done % config.log_every == 0 or last:
            logger.log(stage.name, step, _mean_over_ranks(values, ranks))
        logger.progress(stage.name, done, stage.steps, _describe_losses(values))
        if ranks.first and (done % config.sample_every == 0 or last):
            image = stage.samples()
            if image is not None:
                logger.sample(stage.name, done, image)
        every = config.validation.every
        if ranks.first and every and done % every == 0 and not last:
            stage.validate(run, logger, done)
        stopping = ranks.any(stop.requested, run.device)
        if done % config.checkpoint_every == 0 or stopping or last:
            if ranks.first:
                _save(stage, done, run, seconds_before + time.monotonic() - start)
            saved = done
        if stopping and not last:
            logger.message(
                f"stopped after step {done} of the {stage.name}; resume with: {run.resume_command}"
            )
            return False
    state.update(stage="", seconds=seconds_before + time.monotonic() - start)
    return True


def _finish_stage(
    stage: Stage, run: TrainingRun, ctx: TrainContext, streams: Streams, logger: TrainingLogger
) -> None:
    """Write the results of a stage; the other ranks wait."""
    if ctx.ranks.first:
        stage.finish(run, streams, logger)
    ctx.ranks.barrier()


def _remaining_stages(run: TrainingRun) -> list[type[Stage]]:
    """The stages to train: a teacher whose file is in the run folder is finished."""
    return [
        stage
        for stage in stages_of(run.config)
        if not (run.teachers_only and stage.teacher_file is None)
        and not (stage.teacher_file is not None and (run.folder / stage.teacher_file).exists())
    ]


def _open_run_folder(run: TrainingRun, ranks: Ranks, logger: TrainingLogger) -> dict[str, Any]:
    """The state of the run folder. A new folder gets the teachers of another run, and a first checkpoint."""
    path = run.folder / checkpoint.STATE
    state = checkpoint.load_state(path) if path.exists() else {}
    if "stage" in state:
        logger.message(f"resuming from step {state['step']} of the {state['stage']} in {run.folder}")
    elif run.teachers is not None and ranks.first:
        checkpoint.copy_teachers(run.teachers, run.folder)
    elif run.estimator is not None and ranks.first:
        checkpoint.copy_estimator(run.estimator, run.folder, run.config)
    ranks.barrier()
    run.origin = _merge_origin(run, state)
    if ranks.first and "stage" not in state:
        checkpoint.save_state(path, _state(run))
    return state


def _merge_origin(run: TrainingRun, state: dict[str, Any]) -> dict[str, Any]:
    """The command that started the training, and every later one that changed its losses."""
    origin = dict(state.setdefault("origin", run.origin))
    if "config" in state and state["config"] != run.config.model_dump_json():
        later = {"step": state.get("step", 0), **run.origin}
        origin["then"] = [*origin.get("then", []), later]
    return origin


def _state(run: TrainingRun, **reached: Any) -> dict[str, Any]:
    return {"config": run.config.model_dump_json(), "origin": run.origin, **reached}


def _save(stage: Stage, step: int, run: TrainingRun, seconds: float) -> None:
    """Write a checkpoint.

    Raises:
        Diverged: a weight is NaN or Inf; the previous checkpoint is kept.
    """
    networks = {name: network.state_dict() for name, network in stage.networks.items()}
    for name, tensors in networks.items():
        if not all(bool(t.isfinite().all()) for t in tensors.values() if t.is_floating_point()):
            raise Diverged(
                f"the {name}'s weights contain NaN or Inf at step {step}; the previous checkpoint is kept in "
                f"{run.folder}."
            )
    optimizers = {name: optimizer.state_dict() for name, optimizer in stage.optimizers.items()}
    reached = {
        "stage": stage.name,
        "step": step,
        "seconds": seconds,
        "networks": networks,
        "optimizers": optimizers,
    }
    checkpoint.save_state(run.folder / checkpoint.STATE, _state(run, **reached))


def _restore(stage: Stage, state: dict[str, Any]) -> int:
    """Load a checkpoint into a stage; the step to resume at."""
    for name, network in stage.networks.items():
        network.load_state_dict(state["networks"][name])
    for name, optimizer in stage.optimizers.items():
        optimizer.load_state_dict(state["optimizers"][name])
    return int(state["step"])


def _all_finite(values: dict[str, Tensor]) -> bool:
    return bool(torch.isfinite(torch.stack([value.detach().float() for value in values.values()]).sum()))


def _mean_over_ranks(values: dict[str, Tensor], ranks: Ranks) -> dict[str, float]:
    means = ranks.mean(torch.stack([value.detach().float() for value in values.values()]))
    return dict(zip(values, means.tolist(), strict=True))


def _describe_losses(values: dict[str, Tensor]) -> str:
    return ", ".join(f"{name} {value.item():.3f}" for name, value in values.items() if name.endswith("loss"))
