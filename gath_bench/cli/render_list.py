"""``gath-bench render-list``."""

from __future__ import annotations

from pathlib import Path

import click

from gath_bench.cli.context import Context, pass_context


@click.command("render-list")
@click.argument("dataset")
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="A new or empty folder.",
)
@click.option("--split", default="test", show_default=True, metavar="NAME", help="The split.")
@click.option("--protocol", metavar="NAME", help="By default the first protocol of the data set.")
@click.option(
    "--seed",
    default=0,
    show_default=True,
    type=click.IntRange(min=0),
    metavar="N",
    help="Seed of the data set's samples.",
)
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="At most N samples; by default all.")
@pass_context
def render_list(
    context: Context,
    dataset: str,
    output: Path,
    split: str,
    protocol: str | None,
    seed: int,
    limit: int | None,
) -> None:
    """Write portraits and AUs for a system outside Python.

    The folder gets the portraits, aus.csv, the file names to write, README.txt and suite.toml. The model `precomputed`
    reads the images that the system generates.

    \b
    Examples:
      gath-bench render-list synthfaces -o todo --limit 50
      gath-bench run todo/suite.toml -m 'precomputed[root=todo/output]'
    """
    from gath_bench.render_list import write_render_list

    adapter = context.registry.make("dataset", dataset).instance
    written = write_render_list(adapter, dataset, split, protocol, seed, limit, output)
    click.echo(f"{written.samples} samples in {written.directory}; README.txt describes the images to write")
    for sample in written.unreadable:
        click.echo(f"left out: {sample.sample_id}: {sample.reason}", err=True)
    click.echo(f"then: {written.command}")
