"""``gath-bench animate``."""

from __future__ import annotations

from pathlib import Path

import click

from gath_bench.contracts import CommandContext
from gath_bench.errors import UsageError

_OUTPUT = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("portraits", nargs=-1, type=click.Path(path_type=Path), metavar="[PORTRAIT.png]...")
@click.option("--aus", metavar="AU12=0.8,AU06=0.5", help="Coefficients in [0, 1]; an AU not named is 0.")
@click.option("--grid", is_flag=True, help="Each AU alone at five intensities, of every portrait.")
@click.option("--subjects", type=click.IntRange(1, 64), help="Portraits from a data set instead of files.")
@click.option(
    "-d",
    "--dataset",
    default="synthfaces",
    show_default=True,
    help="Of --subjects: the portraits of its test split.",
)
@click.option(
    "-m", "--model", default="gath", show_default=True, help="Any registered model, as `run` takes it."
)
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
    """Paint portraits with the AUs that are asked for; several stand side by side in the picture.

    \b
    gath-bench animate me.png --aus AU12=0.8,AU06=0.5 -o smile.png
    gath-bench animate --grid --subjects 2 -m gath-warp -o grid.jpg
    gath-bench animate --grid --subjects 1 -d portraits -m gath-warp -o astronaut.jpg
    """
    if (aus is None) == (not grid):
        raise UsageError("say which AUs: --aus AU12=0.8,AU06=0.5, or --grid for each AU alone.")
    if bool(portraits) == bool(subjects):
        raise UsageError("give portraits as files, or --subjects N for portraits of a data set.")
    if not output.parent.is_dir():
        raise UsageError(f"there is no folder {output.parent}: make it first.")
    from gath.painting import expression, load_portraits, paint, paint_grid, save, unseen
    from gath_bench.errors import Unavailable
    from gath_bench.images import resize

    made = context.make("model", model)
    try:
        ready = made.to(device)
        side = ready.info.resolution or 128
        if subjects:
            sources = resize(unseen(context.make("dataset", dataset), subjects), side)
        else:
            sources = load_portraits(portraits, side)
        picture = (
            paint_grid(ready, sources, device)
            if grid
            else paint(ready, sources, expression(ready, aus), device)
        )
    except Unavailable as error:
        raise UsageError(str(error)) from error
    save(picture, output)
    click.echo(str(output))
