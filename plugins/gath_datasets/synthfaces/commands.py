"""``gath-bench synthfaces``: contact sheets and export of the data set."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from gath_datasets.synthfaces import EXPORT_PROTOCOLS, MAX_SEED, MAX_SIZE, MIN_SIZE

_SIZE = click.IntRange(MIN_SIZE, MAX_SIZE)
_SEED = click.IntRange(0, MAX_SEED - 1)


@click.group()
def synthfaces() -> None:
    """Render, inspect and export procedural portraits.

    \b
    Examples:
      gath-bench synthfaces show --output sheet.png
      gath-bench synthfaces export faces --subjects 8 --size 256
    """


@synthfaces.command()
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--split", type=click.Choice(["test", "val"]), default="test", show_default=True, help="The split."
)
@click.option(
    "--protocol",
    type=click.Choice(EXPORT_PROTOCOLS),
    default="same-subject",
    show_default=True,
    help="How portraits and target AUs are paired.",
)
@click.option(
    "--subjects",
    type=click.IntRange(min=1),
    metavar="N",
    help="Number of subjects; by default that of the split.",
)
@click.option(
    "--size", type=_SIZE, default=256, show_default=True, metavar="N", help="Side of an image in pixels."
)
@click.option(
    "--seed",
    type=_SEED,
    default=0,
    show_default=True,
    metavar="N",
    help="Another seed gives other subjects.",
)
def export(folder: Path, split: str, protocol: str, subjects: int | None, size: int, seed: int) -> None:
    """Write PNG files and samples.csv into DIR, a new or empty folder.

    \b
    Examples:
      gath-bench synthfaces export faces --protocol sweep --subjects 4
    """
    from gath_datasets.synthfaces.export import export as write
    from gath_datasets.synthfaces.samples import plan

    if folder.exists() and any(folder.iterdir()):
        raise click.UsageError(f"{folder} is not empty: name a new or empty folder.")
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
    metavar="FILE",
    help="The picture to write, .png or .jpg.",
)
@click.option(
    "--sheet",
    type=click.Choice(["subjects", "aus", "scenes"]),
    default="subjects",
    show_default=True,
    help="subjects: one image per subject; aus: each AU at 1; scenes: one subject per row.",
)
@click.option(
    "--rows", type=click.IntRange(1, 64), default=6, show_default=True, metavar="N", help="Rows of the sheet."
)
@click.option(
    "--columns",
    type=click.IntRange(1, 64),
    default=8,
    show_default=True,
    metavar="N",
    help="Columns of the sheet.",
)
@click.option(
    "--size", type=_SIZE, default=128, show_default=True, metavar="N", help="Side of one image in pixels."
)
@click.option(
    "--split", type=click.Choice(["test", "val"]), default="val", show_default=True, help="The split."
)
@click.option(
    "--seed",
    type=_SEED,
    default=0,
    show_default=True,
    metavar="N",
    help="Another seed gives other subjects.",
)
@click.option(
    "--expressions/--neutral", default=False, show_default="neutral", help="Random AUs, or neutral faces."
)
@click.option(
    "--randomise",
    type=click.FloatRange(0, 1),
    metavar="X",
    default=0.0,
    show_default=True,
    help="Strength of camera noise, blur and colour cast.",
)
@click.option(
    "--framing",
    type=click.FloatRange(1.0, 4.0),
    metavar="X",
    help="Height of an image in face units; by default 1.40.",
)
def show(output: Path, **options: Any) -> None:
    """Render a contact sheet of subjects, AUs or scenes.

    \b
    Examples:
      gath-bench synthfaces show --sheet aus --rows 2 -o aus.png
    """
    from gath_datasets.synthfaces.contact_sheet import SheetOptions, render_sheet

    try:
        render_sheet(output, SheetOptions(**options))
    except (OSError, ValueError) as error:
        raise click.UsageError(f"cannot write {output}: {error}.") from error
    click.echo(str(output))


@synthfaces.command()
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--size", type=_SIZE, default=128, show_default=True, metavar="N", help="Side of one face in pixels."
)
@click.option(
    "--split", type=click.Choice(["test", "val"]), default="val", show_default=True, help="The split."
)
@click.option(
    "--seed",
    type=_SEED,
    default=0,
    show_default=True,
    metavar="N",
    help="Another seed gives other subjects.",
)
def glossary(folder: Path, size: int, split: str, seed: int) -> None:
    """Write one image per AU into DIR.

    An image shows a face with the AU at 0, 0.5 and 1.

    \b
    Examples:
      gath-bench synthfaces glossary aus --seed 136
    """
    from gath_datasets.synthfaces.contact_sheet import render_aus

    try:
        folder.mkdir(parents=True, exist_ok=True)
        paths = render_aus(folder, size=size, split=split, seed=seed)
    except OSError as error:
        raise click.UsageError(f"cannot write into {folder}: {error.strerror or error}.") from error
    click.echo(f"{folder}: {len(paths)} images")
