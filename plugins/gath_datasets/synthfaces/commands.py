"""``gath-bench synthfaces``: look at the data set, or take it along as PNG files."""

from __future__ import annotations

import sys
from pathlib import Path

import click

_PROTOCOLS = ("same-subject", "cross-subject", "sweep", "cross-scene")


@click.group()
def synthfaces() -> None:
    """Draw, inspect and export procedural portraits.

    \b
    gath-bench synthfaces show --output sheet.png
    gath-bench synthfaces export faces --subjects 8 --size 256
    """


@synthfaces.command()
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option("--split", type=click.Choice(["test", "val"]), default="test", show_default=True)
@click.option("--protocol", type=click.Choice(_PROTOCOLS), default="same-subject", show_default=True)
@click.option("--subjects", type=click.IntRange(min=1), help="How many subjects; by default the split's own.")
@click.option("--size", type=click.IntRange(64, 512), default=256, show_default=True, help="Pixels.")
@click.option(
    "--seed",
    type=click.IntRange(0, (1 << 26) - 1),
    default=0,
    show_default=True,
    help="Another seed draws other subjects.",
)
def export(folder: Path, split: str, protocol: str, subjects: int | None, size: int, seed: int) -> None:
    """Write PNG files and samples.csv into DIR.

    \b
    gath-bench synthfaces export faces --protocol sweep --subjects 4
    """
    from gath_datasets.synthfaces.export import export as write
    from gath_datasets.synthfaces.samples import plan

    if folder.exists() and any(folder.iterdir()):
        raise click.UsageError(
            f"{folder} is not empty: name a new folder, so that no old image is taken for a new one."
        )
    samples = plan(split, protocol, seed, subjects=subjects)
    try:
        with click.progressbar(length=len(samples), label="rendering", file=sys.stderr) as bar:
            table = write(samples, folder, size, targets=protocol != "cross-scene", progress=bar.update)
    except OSError as error:
        raise click.UsageError(f"cannot write into {folder}: {error.strerror or error}.") from error
    click.echo(str(table))


@synthfaces.command()
@click.option(
    "--output",
    "-o",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("synthfaces.png"),
    show_default=True,
)
@click.option(
    "--sheet",
    type=click.Choice(["subjects", "aus", "scenes"]),
    default="subjects",
    show_default=True,
    help="subjects: many people; aus: each AU at full strength; scenes: one person per row.",
)
@click.option("--rows", type=click.IntRange(1, 64), default=6, show_default=True)
@click.option("--columns", type=click.IntRange(1, 64), default=8, show_default=True)
@click.option(
    "--size", type=click.IntRange(64, 512), default=128, show_default=True, help="Pixels of one portrait."
)
@click.option("--split", type=click.Choice(["test", "val"]), default="val", show_default=True)
@click.option("--seed", type=click.IntRange(0, (1 << 26) - 1), default=0, show_default=True)
@click.option("--expressions/--neutral", default=False, help="Random AUs, or neutral faces.")
@click.option(
    "--randomise",
    type=click.FloatRange(0, 1),
    default=0.0,
    show_default=True,
    help="Camera noise, blur and cast.",
)
@click.option(
    "--framing", type=click.FloatRange(1.0, 4.0), help="Height of the picture in face units; 1.40 by default."
)
def show(
    output: Path, sheet: str, rows: int, columns: int, size: int, split: str, seed: int, expressions: bool,
    randomise: float, framing: float | None,
) -> None:  # fmt: skip
    """Draw a contact sheet.

    \b
    gath-bench synthfaces show --sheet aus --rows 2 -o aus.png
    """
    from gath_datasets.synthfaces.sheets import draw_sheet

    try:
        draw_sheet(output, sheet, rows, columns, size, split, seed, expressions, randomise, framing)
    except (OSError, ValueError) as error:
        raise click.UsageError(f"cannot write {output}: {error}.") from error
    click.echo(str(output))
