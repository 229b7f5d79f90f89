"""``gath-bench run``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from gath_bench.cli.context import Context, pass_context


@click.command()
@click.argument("suite", required=False, type=click.Path(path_type=Path), metavar="[SUITE.toml]")
@click.option("-m", "--model", "models", multiple=True, help="A model; oracle and copy-source are added.")
@click.option("-d", "--dataset", "datasets", multiple=True, help="A data set.")
@click.option("-M", "--metric", "metrics", multiple=True, help="A metric.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="At most N samples a data set.")
@click.option(
    "--seed", type=click.IntRange(min=0, max=2**63 - 1), help="Draws other samples, and seeds the models."
)
@click.option(
    "--split", metavar="NAME", help="The split to evaluate; `test` unless the suite says otherwise."
)
@click.option("--device", default="auto", show_default=True, metavar="auto|cpu|cuda[:i]")
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The run folder; a new one under results/runs if not given.",
)
@click.option(
    "--resume", type=click.Path(path_type=Path), metavar="RUN", help="Go on with a run that was stopped."
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0),
    metavar="S",
    help="Stop after S seconds, between cells; resumable.",
)
@click.option("--strict", is_flag=True, help="Stop at the first failure.")
@click.option(
    "--images/--no-images", default=True, show_default=True,
    help="Keep images in the run folder, for the gallery of the HTML report.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object rather than tables.")
@pass_context
def run(
    context: Context,
    suite: Path | None,
    models: tuple[str, ...],
    datasets: tuple[str, ...],
    metrics: tuple[str, ...],
    limit: int | None,
    seed: int | None,
    split: str | None,
    device: str,
    output: Path | None,
    resume: Path | None,
    timeout: float | None,
    strict: bool,
    images: bool,
    as_json: bool,
) -> None:
    """Measure models on data sets and print the comparison table.

    \b
    gath-bench run
    gath-bench run -m mean-frame -d 'portraits[root=photos]' -M ssim --limit 20
    gath-bench run --resume results/runs/20260101T120000Z-quick
    """
    from gath_bench import suite as suites
    from gath_bench.cli.progress import progress_bars
    from gath_bench.engine import RunOptions, execute
    from gath_bench.engine.cell import StrictFailure

    if resume is not None:
        chosen = suites.suite_of_run(resume, given=bool(suite or models or datasets or metrics or output))
    else:
        chosen = suites.read_suite(suite) if suite else suites.quick_suite()
    chosen = chosen.with_choices(
        models=models, datasets=datasets, metrics=metrics, limit=limit, seed=seed, split=split
    )
    plan = suites.make_plan(chosen, context.registry, explicit=(*models, *datasets, *metrics))
    options = RunOptions(
        device=device,
        output=output,
        resume=resume,
        command=("gath-bench", *sys.argv[1:]),
        timeout=timeout,
        strict=strict,
        images=images,
    )
    with progress_bars(plan) as progress:
        try:
            outcome = execute(plan, context.plugins, options, progress)
        except StrictFailure as error:
            click.echo(f"gath-bench: {error}", err=True)
            raise click.exceptions.Exit(1) from error
    if outcome.first_rank:
        _show(outcome.path, as_json)
        if outcome.timed_out:
            click.echo(f"stopped by --timeout; go on with: gath-bench run --resume {outcome.path}", err=True)
    if outcome.failed:
        raise click.exceptions.Exit(1)


def _show(path: Path, as_json: bool) -> None:
    from gath_bench import report, results
    from gath_bench.analysis import summarise

    finished = results.load(path)
    if as_json:
        click.echo(
            json.dumps(
                report.as_json(path, summarise(finished.manifest, finished.rows)), indent=2, allow_nan=False
            )
        )
    else:
        report.write_report(finished)
        click.echo(f"run folder: {path}")
