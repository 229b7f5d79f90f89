"""``gath-bench train-face-detector``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from gath_bench.contracts import CommandContext


@click.command("train-face-detector")
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("face-detector"),
    show_default=True,
    metavar="DIR",
    help="Folder of weights and model card; finished parts in it are kept.",
)
@click.option(
    "--dataset",
    default="synthfaces",
    show_default=True,
    metavar="NAME",
    help="A data set with a landmark stream.",
)
@click.option(
    "--images",
    type=click.IntRange(64),
    default=12288,
    show_default=True,
    metavar="N",
    help="Number of training images.",
)
@click.option(
    "--proposal-steps",
    type=click.IntRange(2),
    default=1500,
    show_default=True,
    metavar="N",
    help="Optimizer steps of the proposal network.",
)
@click.option(
    "--landmark-steps",
    type=click.IntRange(2),
    default=5000,
    show_default=True,
    metavar="N",
    help="Optimizer steps of the landmark network.",
)
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    metavar="N",
    help="Seed of images, weights and batches.",
)
@click.pass_obj
def train_face_detector(
    context: CommandContext,
    output: Path,
    dataset: str,
    images: int,
    proposal_steps: int,
    landmark_steps: int,
    seed: int,
) -> None:
    """Train the face detector `synthfaces` on procedural faces, from scratch.

    The same command with the same options resumes a stopped training with the first unfinished part.

    \b
    Examples:
      gath-bench train-face-detector -o face-detector
    """
    from gath_estimators.detectors.train_all import Options, train_all

    def tell(text: str) -> None:
        click.echo(text, file=sys.stderr)

    options = Options(dataset, images, proposal_steps, landmark_steps, seed)
    click.echo(str(train_all(context, output, options, tell)))
