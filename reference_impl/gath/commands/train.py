"""``gath-bench train``."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path

import click

from gath_bench.contracts import CommandContext
from gath_bench.errors import UsageError, describe_error


@click.command()
@click.option(
    "-c",
    "--config",
    "name",
    metavar="NAME|FILE.toml",
    help="tiny, tiny-warp, small, small-warp, unpaired-warp, gpu, facewarehouse46, or a TOML file. "
    "By default small; with --model gath-warp small-warp.",
)
@click.option(
    "--set",
    "changes",
    multiple=True,
    metavar="KEY=VALUE",
    help="Change one setting of the configuration: losses.au=10; may be repeated.",
)
@click.option(
    "--model",
    type=click.Choice(["gath", "gath-warp"]),
    help="The model, instead of that of the configuration.",
)
@click.option(
    "-d",
    "--dataset",
    metavar="NAME",
    help="A data set with training streams; by default that of the configuration (synthfaces).",
)
@click.option("--stills", metavar="NAME", help="Another data set for the stills, such as 'celeba[root=DIR]'.")
@click.option(
    "--steps",
    type=click.IntRange(min=1),
    metavar="N",
    help="Steps of the generator; by default those of the configuration.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**31 - 1),
    metavar="N",
    help="Seed of weights, batches and targets; by default that of the configuration (0).",
)
@click.option(
    "--device",
    default="auto",
    show_default=True,
    metavar="auto|cpu|cuda[:i]",
    help="Where to compute; auto: on the GPU if there is one.",
)
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="The run folder; by default a new one under results/runs.",
)
@click.option(
    "--resume",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Resume the training in this run folder.",
)
@click.option(
    "--teachers",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Use the AU estimator and identity classifier (E and C) of this run folder instead of training them.",
)
@click.option(
    "--estimator",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Use the AU estimator (E) in this weights file of a generator instead of training it.",
)
@click.option("--teachers-only", is_flag=True, help="Stop after the training of E and C.")
@click.option(
    "--cache",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Folder of the rendered training images; by default in the run folder.",
)
@click.option(
    "--max-minutes",
    type=click.FloatRange(min=0),
    metavar="M",
    help="Stop after M minutes with a checkpoint; by default after the last step.",
)
@click.pass_obj
def train(
    context: CommandContext,
    name: str | None,
    changes: tuple[str, ...],
    model: str | None,
    dataset: str | None,
    stills: str | None,
    steps: int | None,
    seed: int | None,
    device: str,
    output: Path | None,
    resume: Path | None,
    teachers: Path | None,
    estimator: Path | None,
    teachers_only: bool,
    cache: Path | None,
    max_minutes: float | None,
) -> None:
    """Train GATH on unpaired stills and frames, or gath-warp on clips and stills.

    The configuration says which: `small` trains GATH on a CPU, `gpu` on a GPU, and `tiny-warp` takes two minutes.
    Without -d, the images are procedural faces.

    \b
    Examples:
      gath-bench train
      gath-bench train -c tiny-warp --output results/runs/tiny
      gath-bench train -c small-warp --max-minutes 30 --output results/runs/warp
      gath-bench train --resume results/runs/warp
      gath-bench train --resume results/runs/warp --set losses.mask=8
      torchrun --nproc-per-node 2 -m gath_bench train -c gpu
    """
    _refuse_empty(name, output, resume)
    if max_minutes is not None and not math.isfinite(max_minutes):
        raise UsageError(f"--max-minutes {max_minutes} is not a number of minutes.")

    from gath.config import read_config
    from gath.training.checkpoint import STATE, load_config
    from gath.training.loop import Diverged
    from gath.training.loop import train as run_training
    from gath.training.run import TrainingRun

    given = {
        "model": model,
        "data.name": dataset,
        "data.stills_name": stills,
        "generator.steps": steps,
        "seed": seed,
    }
    given = {key: value for key, value in given.items() if value is not None}
    changes = (*changes, *(f"{key}={json.dumps(value)}" for key, value in given.items()))
    if resume is not None:
        if name or output or teachers or estimator or given:
            raise UsageError(
                "--resume uses the configuration of the run: leave out -c, --model, -d, --stills, --steps, --seed, "
                "--output, --teachers and --estimator; --set can still change the weights of losses."
            )
        config, folder = load_config(resume, changes), resume
    elif teachers is not None and estimator is not None:
        raise UsageError("give --teachers (E and C) or --estimator (E only), not both.")
    else:
        config = read_config(name or ("small-warp" if model == "gath-warp" else "small"), changes)
        default = time.strftime(f"%Y%m%dT%H%M%SZ-train-{config.model}", time.gmtime())
        folder = output or Path("results/runs") / default
        if (folder / STATE).exists():
            raise UsageError(f"{folder} holds a training already: resume it with --resume {folder}.")
    run = TrainingRun(
        config,
        context,
        folder,
        device=_set_up_device(context.resolve_device(device)),
        teachers=teachers,
        estimator=estimator,
        cache=cache,
        max_minutes=max_minutes,
        teachers_only=teachers_only,
    )
    begun = time.monotonic()
    try:
        finished = run_training(run)
    except Diverged as error:
        click.echo(f"gath-bench: {error}", err=True)
        raise click.exceptions.Exit(1) from error
    except OSError as error:
        begun_already = (folder / STATE).is_file()
        raise UsageError(
            f"the training in {folder} stopped: {describe_error(error)}; "
            + (f"continue with --resume {folder}." if begun_already else "give another folder with --output.")
        ) from error
    in_time = max_minutes is None or time.monotonic() - begun < 60 * max_minutes
    if not finished and in_time:  # a signal stopped it, not --max-minutes
        raise click.exceptions.Exit(130)


def _refuse_empty(name: str | None, *folders: Path | None) -> None:
    """Refuse an empty configuration name, and an empty path, which would be the current folder."""
    if name == "" or Path() in folders:
        raise UsageError("give -c, --output and --resume a name or a folder of its own, not an empty text.")


def _set_up_device(name: str) -> str:
    """Select the GPU of this process for torch, and let cuDNN choose its fastest kernels."""
    import torch

    if name.startswith("cuda"):
        torch.cuda.set_device(name)
        torch.backends.cudnn.benchmark = True  # all batches have the same shape
    return name
