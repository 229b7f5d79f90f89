"""``gath-bench run``."""

from __future__ import annotations

import math
import re
import sys
from pathlib import Path
from typing import Any

import click

from gath_bench.cli.context import Context, pass_context
from gath_bench.cli.help import device_option
from gath_bench.cli.output import echo, stdout_to_stderr


def _without_home(word: str) -> str:
    """A word of the command line with ``~`` for the home folder: runs are shared, and the command is recorded."""
    home = str(Path.home())
    return re.sub(rf"{re.escape(home)}(?=/|$)", "~", word) if len(home) > 1 else word


def _not_empty(ctx: click.Context, parameter: click.Parameter, value: str | None) -> Path | None:
    """An option's path; an empty text would be the current folder."""
    if value == "":
        raise click.BadParameter("give a folder, not an empty text.")
    return None if value is None else Path(value)


def _finite(ctx: click.Context, parameter: click.Parameter, value: float | None) -> float | None:
    if value is not None and not math.isfinite(value):
        raise click.BadParameter(f"{value} is not a number of seconds.")
    return value


@click.command()
@click.argument(
    "suite", required=False, type=click.Path(path_type=Path), metavar="[quick|standard|SUITE.toml]"
)
@click.option(
    "-m",
    "--model",
    "models",
    multiple=True,
    metavar="NAME",
    help="A model; may be repeated. By default those of the suite; oracle and copy-source are added.",
)
@click.option(
    "-d",
    "--dataset",
    "datasets",
    multiple=True,
    metavar="NAME",
    help="A data set; may be repeated. By default those of the suite.",
)
@click.option(
    "-M",
    "--metric",
    "metrics",
    multiple=True,
    metavar="NAME",
    help="A metric; may be repeated. By default those of the suite.",
)
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    metavar="N",
    help="At most N samples per data set; by default all of the suite.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0, max=2**63 - 1),
    metavar="N",
    help="Seed of the data sets' samples and of the models; the default is the suite's (0).",
)
@click.option("--split", metavar="NAME", help="The split to evaluate; the default is the suite's (test).")
@device_option()
@click.option(
    "--output",
    callback=_not_empty,
    metavar="DIR",
    help="The run folder; by default a new one under results/runs.",
)
@click.option(
    "--resume",
    callback=_not_empty,
    metavar="RUN",
    help="Resume the stopped run in this folder; its suite is in the folder.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0),
    callback=_finite,
    metavar="S",
    help="Stop after S seconds, when the current model is done with its data set; a component that hangs is stopped "
    "10 s later. The run can be resumed.",
)
@click.option(
    "--isolate",
    is_flag=True,
    help="Run components in a child process: a component that hangs or ends the process then fails alone.",
)
@click.option(
    "--call-timeout",
    type=click.FloatRange(min=1),
    callback=_finite,
    metavar="S",
    help="With --isolate: at most S seconds for one call, such as loading a batch; by default as --timeout.",
)
@click.option("--strict", is_flag=True, help="Stop at the first component that fails.")
@click.option(
    "--images/--no-images",
    default=True,
    show_default=True,
    help="Write images into the run folder, for the gallery of the HTML report.",
)
@click.option(
    "--reuse/--no-reuse",
    default=False,
    show_default=True,
    help="Take observations of the same samples, models and metrics from earlier runs with --reuse.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of tables.")
@pass_context
def run(
    context: Context,
    /,
    suite: Path | None,
    models: tuple[str, ...],
    datasets: tuple[str, ...],
    metrics: tuple[str, ...],
    output: Path | None,
    resume: Path | None,
    isolate: bool,
    as_json: bool,
    **settings: Any,
) -> None:
    """Measure models on data sets and print the comparison table.

    Without arguments the suite `quick` is measured; `standard` needs published weights. A component is NAME or
    NAME[PARAMETER=VALUE,...], in quotes; `gath-bench list` names them. Every run is stored in a folder.

    \b
    Examples:
      gath-bench run
      gath-bench run standard
      gath-bench run -m mean-frame -d 'portraits[root=photos]' -M ssim --limit 20
      gath-bench run --isolate --call-timeout 600 -m mean-frame
      gath-bench run --resume results/runs/20260101T120000Z-quick
    """
    from gath_bench.engine.cell import StrictFailure
    from gath_bench.evaluation.run import evaluate

    try:
        with stdout_to_stderr():
            results = evaluate(
                suite=str(suite) if suite else None,
                models=models or None,
                datasets=datasets or None,
                metrics=metrics or None,
                output=output or (None if resume else "auto"),
                resume=resume,
                progress=True,
                distributed=True,
                isolate=isolate,
                plugins=context.sources if isolate else context.plugins,
                command=("gath-bench", *map(_without_home, sys.argv[1:])),
                **settings,
            )
    except StrictFailure as error:
        click.echo(f"gath-bench: {error}", err=True)
        raise click.exceptions.Exit(1) from error
    if results.first_rank:
        results.report("json" if as_json else "console")
        if not as_json:
            click.echo(f"run folder: {results.path}")
        if results.finished:
            for metric, reason in results.metrics_without_values.items():
                echo(f"warning: the metric {metric} has no value in this run: {reason}.", err=True)
        else:
            click.echo(
                f"stopped by --timeout; continue with: gath-bench run --resume {results.path}", err=True
            )
        if settings["limit"] is not None:
            echo(
                f"warning: --limit {settings['limit']}: the values are of the first samples of each data set only; "
                "leave it out for values to report.",
                err=True,
            )
    if results.failed:
        raise click.exceptions.Exit(1)
