"""``gath-bench render-list``."""

from __future__ import annotations

from pathlib import Path

import click

from gath_bench.cli.context import Context, pass_context


@click.command("render-list")
@click.argument("dataset")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), metavar="DIR")
@click.option("--split", default="test", show_default=True)
@click.option("--protocol", help="The default is the data set's first protocol.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0))
@click.option("--limit", type=click.IntRange(min=1), metavar="N")
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
    """Write portraits and AUs for a system outside Python. The model `precomputed` reads its images.

    \b
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
