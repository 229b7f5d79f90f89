"""``gath-bench train-evaluators``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from gath_bench.contracts import CommandContext


@click.command("train-evaluators")
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("evaluators"),
    show_default=True,
    metavar="DIR",
    help="Folder of weights and model card; finished parts in it are kept.",
)
@click.option(
    "--dataset",
    default="synthfaces",
    show_default=True,
    metavar="NAME",
    help="A data set with a stream for evaluators.",
)
@click.option(
    "--images",
    type=click.IntRange(256),
    default=40960,
    show_default=True,
    metavar="N",
    help="Number of training images.",
)
@click.option(
    "--au-steps",
    type=click.IntRange(1),
    metavar="N",
    default=11000,
    show_default=True,
    help="Optimizer steps of each AU network.",
)
@click.option(
    "--steps",
    type=click.IntRange(1),
    metavar="N",
    default=1500,
    show_default=True,
    help="Optimizer steps of identity encoder and trunk.",
)
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    metavar="N",
    help="Seed of images, weights and batches.",
)
@click.option(
    "--device",
    default="cpu",
    show_default=True,
    metavar="auto|cpu|cuda[:i]",
    help="Where to compute; auto: on the GPU if there is one.",
)
@click.option(
    "--refine",
    metavar="DIR|bundled",
    help="Start from the AU networks of this folder, or of the bundled evaluators, and copy the other networks.",
)
@click.pass_obj
def train_evaluators(context: CommandContext, /, output: Path, **options: Any) -> None:
    """Train the AU estimator, identity encoder and perceptual trunk.

    The training subjects are in no evaluated split and in no model's training data. A training that was stopped
    resumes with the first unfinished network when it is called again with the same options. It takes about an hour
    on two CPU cores.

    \b
    Examples:
      gath-bench train-evaluators -o evaluators
      gath-bench train-evaluators -o better --refine bundled --seed 1
    """
    from gath_estimators.train_all import Options, train_all

    def log(text: str) -> None:
        click.echo(text, file=sys.stderr)

    click.echo(str(train_all(context, output, Options(**options), log)))
