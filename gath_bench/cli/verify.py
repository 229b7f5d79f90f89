"""``gath-bench verify``."""

from __future__ import annotations

from pathlib import Path

import click

from gath_bench.cli.context import Context, pass_context


@click.command()
@click.argument("path", type=click.Path(path_type=Path), metavar="RUN")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    metavar="N",
    help="At most N samples per data set, rounded up to whole batches; by default all.",
)
@pass_context
def verify(context: Context, path: Path, limit: int | None) -> None:
    """Measure a finished run again and print how far the values of each metric drifted.

    RUN is a run folder. The exit code is 1 if a value differs by more than the tolerance of its metric, or if a
    component or a file of the run has changed. Differences in speed are only reported.

    \b
    Examples:
      gath-bench verify results/runs/20260101T120000Z-quick
      gath-bench verify results/runs/20260101T120000Z-quick --limit 16
    """
    from gath_bench.evaluation.verification import verify as verify_run
    from gath_bench.results import load

    result = verify_run(load(path), limit=limit, progress=True, plugins=context.plugins)
    for problem in result.problems:
        click.echo(f"gath-bench: {problem}", err=True)
    if not result.problems:
        click.echo(result)
        click.echo(f"{path}: {'reproduced' if result.reproduced else 'drifted'}")
    if not result.reproduced:
        raise click.exceptions.Exit(1)
