"""``gath-bench train``."""

from __future__ import annotations

import time
from pathlib import Path

import click

from gath_bench.contracts import CommandContext
from gath_bench.errors import UsageError


@click.command()
@click.option(
    "-c",
    "--config",
    "name",
    metavar="NAME|FILE.toml",
    help="small (the default), small-warp, gpu, or a TOML file.",
)
@click.option(
    "--set", "changes", multiple=True, metavar="KEY=VALUE", help="Change one setting: losses.au=10."
)
@click.option("--model", type=click.Choice(["gath", "gath-warp"]), help="Direct synthesis, or our extension.")
@click.option("-d", "--dataset", metavar="NAME", help="A data set with stills and frames to train on.")
@click.option("--steps", type=click.IntRange(min=1), help="Steps of the generator.")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), help="Of weights, batches and targets.")
@click.option("--device", default="auto", show_default=True, metavar="auto|cpu|cuda[:i]")
@click.option(
    "--output", type=click.Path(file_okay=False, path_type=Path), metavar="DIR", help="The run folder."
)
@click.option(
    "--resume",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Go on with this run folder.",
)
@click.option(
    "--teachers",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Take E and C from this run folder rather than train them.",
)
@click.option("--teachers-only", is_flag=True, help="Stop when E and C are trained.")
@click.option(
    "--cache", type=click.Path(file_okay=False, path_type=Path), metavar="DIR", help="Keep drawn images here."
)
@click.option(
    "--max-minutes", type=click.FloatRange(min=0), metavar="M", help="Stop after M minutes, resumable."
)
@click.pass_obj
def train(
    context: CommandContext,
    name: str | None,
    changes: tuple[str, ...],
    model: str | None,
    dataset: str | None,
    steps: int | None,
    seed: int | None,
    device: str,
    output: Path | None,
    resume: Path | None,
    teachers: Path | None,
    teachers_only: bool,
    cache: Path | None,
    max_minutes: float | None,
) -> None:
    """Train GATH on unpaired stills and frames.

    \b
    gath-bench train
    gath-bench train -c small-warp --max-minutes 30 --output results/runs/warp
    gath-bench train --resume results/runs/warp
    gath-bench train --resume results/runs/warp --set losses.mask=8   # from here on
    torchrun --nproc-per-node 2 -m gath_bench train -c gpu
    """
    from gath.config import read_config
    from gath.trainer import Diverged, Job, config_of
    from gath.trainer import train as run

    given = {"model": model, "data.name": dataset, "generator.steps": steps, "seed": seed}
    changes = (*changes, *(f"{key}={_toml(value)}" for key, value in given.items() if value is not None))
    if resume is not None:
        if name or output or teachers or any(value is not None for value in given.values()):
            raise UsageError(
                "--resume goes on with the run's own configuration: leave out -c, --model, -d, --steps, --seed, "
                "--output and --teachers; --set can still change weights of losses."
            )
        config, folder = config_of(resume, changes), resume
    else:
        default = "small-warp" if model == "gath-warp" else "small"
        config = read_config(name or default, changes)
        folder = output or Path("results/runs") / time.strftime(
            f"%Y%m%dT%H%M%SZ-train-{config.model}", time.gmtime()
        )
        if (folder / "checkpoint.pt").exists():
            raise UsageError(f"{folder} holds a training already: --resume {folder} goes on with it.")
    job = Job(
        config, context, folder, device=_device(device), teachers=teachers, cache=cache, max_minutes=max_minutes,
        teachers_only=teachers_only,
    )  # fmt: skip
    try:
        run(job)
    except Diverged as error:
        click.echo(f"gath-bench: {error}", err=True)
        raise click.exceptions.Exit(1) from error


def _toml(value: object) -> str:
    import json

    return json.dumps(value)


def _device(name: str) -> str:
    """The device that is meant.

    Raises:
        UsageError: no such device here.
    """
    import os

    import torch

    rank = os.environ.get("LOCAL_RANK")
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and rank is not None:
        name = f"cuda:{rank}"
    if name.split(":")[0] not in ("cpu", "cuda"):
        raise UsageError(f"there is no device {name!r}: write auto, cpu, cuda or cuda:0.")
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise UsageError(f"this machine has no GPU that torch can use, so not {name}: leave out --device.")
    if name.startswith("cuda"):
        torch.cuda.set_device(name)
        torch.backends.cudnn.benchmark = True  # every batch has the same shape
    return name
