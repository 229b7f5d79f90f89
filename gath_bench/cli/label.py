"""``gath-bench label``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from gath_bench.cli.context import Context, pass_context
from gath_bench.cli.help import device_option


@click.command()
@click.argument("dataset")
@click.option(
    "--estimator", required=True, metavar="NAME", help="An AU estimator of `gath-bench list estimators`."
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The label file (Parquet); by default one in the folder labels, named after data set and estimator.",
)
@click.option(
    "--detector",
    default="synthfaces",
    show_default=True,
    metavar="NAME",
    help="A face detector of `gath-bench list detectors`.",
)
@device_option()
@pass_context
def label(
    context: Context, dataset: str, estimator: str, output: Path | None, detector: str, device: str
) -> None:
    """Measure the AUs of every image of a data set, and write them to a label file.

    DATASET is a data set of images or videos, such as 'video[root=clips]'. The same command again measures only images
    without a label: it resumes a stopped one.

    \b
    Examples:
      gath-bench label 'video[root=clips]' --estimator synthfaces -o clips.parquet
      gath-bench train -d 'video[root=clips,labels=clips.parquet]' \\
        --stills synthfaces
    """
    from gath_bench.evaluation.labelling import label as label_dataset

    shown = -1

    def progress(done: int, total: int) -> None:
        nonlocal shown
        share = 20 * done // total
        if share != shown:
            shown = share
            print(f"{done} of {total} images", file=sys.stderr, flush=True)

    result = label_dataset(
        dataset,
        estimator,
        output=output,
        detector=detector,
        device=device,
        progress=progress,
        plugins=context.plugins,
    )
    if result.note:
        click.echo(f"warning: {result.note}", err=True)
    click.echo(
        f"{result.path}: {result.found} of {result.images} images have AUs by {result.estimator} "
        f"({result.measured} measured now)"
    )
