"""``gath-bench report``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RUN...")
@click.option(
    "--format", "form", default="console", show_default=True,
    type=click.Choice(["console", "markdown", "latex", "csv", "parquet", "json"]),
)  # fmt: skip
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Write here rather than print."
)
def report(runs: tuple[Path, ...], form: str, output: Path | None) -> None:
    """Print or write the tables of finished runs.

    \b
    gath-bench report results/runs/20260101T120000Z-quick --format markdown -o table.md
    """
    from gath_bench.errors import UsageError
    from gath_bench.report import write_report
    from gath_bench.results import load

    if output is not None and len(runs) > 1:
        raise UsageError("-o takes one run: write the runs to a file each.")
    for path in runs:
        write_report(load(path), form, output)
