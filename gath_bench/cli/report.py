"""``gath-bench report``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RUN...")
@click.option(
    "--format", "form", default="console", show_default=True,
    type=click.Choice(["console", "markdown", "latex", "html", "csv", "parquet", "json"]),
)  # fmt: skip
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Write here rather than print."
)
def report(runs: tuple[Path, ...], form: str, output: Path | None) -> None:
    """Print or write the tables of finished runs.

    Runs on the same samples are joined into the same tables; values of unlike keys never share a column.

    \b
    gath-bench report results/runs/20260101T120000Z-quick --format markdown -o table.md
    gath-bench report results/runs/*-quick --format html -o report.html
    """
    from gath_bench.analysis import join
    from gath_bench.errors import UsageError
    from gath_bench.report import write_html, write_report
    from gath_bench.results import load

    if form == "html":
        write_html([load(path) for path in runs], output)
        return
    joined = join([load(path) for path in runs])
    if output is not None and len(joined.runs) > 1:
        why = " ".join(joined.notes)
        raise UsageError(
            f"-o takes runs that go into the same tables: write the others to a file each. {why}"
        )
    for note in joined.notes:
        click.echo(f"note: {note}", err=True)
    for run in joined.runs:
        write_report(run, form, output)
