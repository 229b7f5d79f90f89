"""``gath-bench train-evaluators``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from gath_bench.contracts import CommandContext


@click.command("train-evaluators")
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("evaluators"),
    show_default=True,
    help="Where weights and card go; what is already there is not made again.",
)
@click.option(
    "--dataset", default="synthfaces", show_default=True, help="A data set with a stream for evaluators."
)
@click.option(
    "--images", type=click.IntRange(256), default=40960, show_default=True, help="Images to render."
)
@click.option(
    "--au-steps", type=click.IntRange(1), default=11000, show_default=True, help="Of each AU network."
)
@click.option(
    "--steps", type=click.IntRange(1), default=1500, show_default=True, help="Of identity and trunk."
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--device", default="cpu", show_default=True, help="cpu, cuda or cuda:i.")
@click.option(
    "--refine",
    metavar="DIR|bundled",
    help="Train the AU networks of this folder on, and take over its other networks.",
)
@click.pass_obj
def train_evaluators(
    context: CommandContext, output: Path, dataset: str, images: int, au_steps: int, steps: int, seed: int,
    device: str, refine: str | None,
) -> None:  # fmt: skip
    """Train AU estimator, identity encoder and perceptual trunk from nothing.

    They learn from people that are in no evaluated split and in no model's training data. Stopped and called again
    with the same options, it goes on with the first network that is not finished. A CPU of two cores takes about
    an hour.

    \b
    gath-bench train-evaluators -o evaluators
    gath-bench train-evaluators -o better --refine bundled --seed 1
    gath-bench run -M 'au-error'              # graded by the bundled ones, as ever
    """
    from gath_estimators.train_all import Options, School

    def tell(text: str) -> None:
        click.echo(text, file=sys.stderr)

    options = Options(dataset, images, au_steps, steps, seed, device, refine)
    click.echo(str(School(context, output, options, tell).graduate()))
