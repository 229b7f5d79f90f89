"""``gath-bench animate``."""

from __future__ import annotations

from pathlib import Path

import click

from gath_bench.contracts import CommandContext
from gath_bench.errors import UsageError

_OUTPUT = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("portraits", nargs=-1, type=click.Path(path_type=Path), metavar="[PORTRAIT.png]...")
@click.option(
    "--aus", metavar="AU12=0.8,AU06=0.5", help="Coefficients in [0, 1]; AUs that are not named are 0."
)
@click.option("--grid", is_flag=True, help="Each AU alone at five intensities, for every portrait.")
@click.option(
    "--subjects", type=click.IntRange(1, 64), help="Use this many portraits of a data set instead of files."
)
@click.option(
    "-d",
    "--dataset",
    default="synthfaces",
    show_default=True,
    help="The data set of --subjects; its test split is used.",
)
@click.option("-m", "--model", default="gath", show_default=True, help="A registered model, as in `run`.")
@click.option("--device", default="cpu", show_default=True, metavar="cpu|cuda[:i]")
@click.option("-o", "--output", type=_OUTPUT, required=True, metavar="FILE.png")
@click.pass_obj
def animate(
    context: CommandContext,
    portraits: tuple[Path, ...],
    aus: str | None,
    grid: bool,
    subjects: int | None,
    dataset: str,
    model: str,
    device: str,
    output: Path,
) -> None:
    """Animate portraits with given AUs. Several portraits are put into one image.

    \b
    gath-bench animate me.png --aus AU12=0.8,AU06=0.5 -o smile.png
    gath-bench animate --grid --subjects 2 -m gath-warp -o grid.jpg
    gath-bench animate --grid --subjects 1 -d portraits -m gath-warp -o astronaut.jpg
    """
    if (aus is None) == (not grid):
        raise UsageError("give the AUs: --aus AU12=0.8,AU06=0.5, or --grid for each AU alone.")
    if bool(portraits) == bool(subjects):
        raise UsageError("give portraits as files, or --subjects N for portraits of a data set.")
    if not output.parent.is_dir():
        raise UsageError(f"there is no folder {output.parent}: create it first.")
    from gath.inference.visualize import (
        au_grid,
        expression,
        expression_sheet,
        load_portraits,
        portraits_of_test_split,
        save_image,
    )
    from gath_bench.errors import Unavailable
    from gath_bench.images import resize

    try:
        ready = context.make("model", model).to(device)
        side = ready.info.resolution or 128
        if subjects:
            sources = resize(portraits_of_test_split(context.make("dataset", dataset), subjects), side)
        else:
            sources = load_portraits(portraits, side)
        if grid:
            image = au_grid(ready, sources, device)
        else:
            image = expression_sheet(ready, sources, expression(ready, aus), device)
    except Unavailable as error:
        raise UsageError(str(error)) from error
    save_image(image, output)
    click.echo(str(output))
