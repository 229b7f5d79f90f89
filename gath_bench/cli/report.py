"""``gath-bench report``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RUN...")
@click.option(
    "--format",
    "form",
    default="console",
    show_default=True,
    type=click.Choice(["console", "markdown", "latex", "html", "csv", "parquet", "json"]),
    help="Format of the report; html and parquet need -o.",
)
@click.option(
    "--metrics",
    metavar="NAME,...",
    default="",
    help="Only these values (au-error.mae), or the primary values of these metrics (au-error); all: every column. "
    "By default all; in the console those that fit.",
)
@click.option("--no-ci", is_flag=True, help="Leave out the 95 % confidence intervals.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write to this file instead of printing.",
)
def report(runs: tuple[Path, ...], form: str, metrics: str, no_ci: bool, output: Path | None) -> None:
    """Print or write the tables of finished runs.

    RUN is a run folder. Runs on the same samples are joined into the same tables; values of different component keys
    never share a column.

    \b
    Examples:
      gath-bench report results/runs/20260101T120000Z-quick --metrics all
      gath-bench report results/runs/*-quick --format markdown -o table.md
      gath-bench report results/runs/*-quick --format html -o report.html
      gath-bench report results/runs/*-quick --format latex \\
        --metrics lpips,au-error.mae --no-ci
    """
    from gath_bench.evaluation.results import Results
    from gath_bench.results import load

    results = Results(tuple(load(path) for path in runs))
    names = [name.strip() for name in metrics.split(",") if name.strip()]
    results.report(form, output, metrics=names, intervals=not no_ci)
    if output is not None:
        click.echo(f"written: {output}", err=True)
    if form != "html":
        for note in results.notes:
            click.echo(f"note: {note}", err=True)
