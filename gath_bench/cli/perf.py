"""``gath-bench perf run|compare|history``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gath_bench.cli.context import Context, pass_context
from gath_bench.errors import UsageError

if TYPE_CHECKING:
    from gath_bench.perf.tracking import Reading

_STORAGE = click.option(
    "--storage",
    type=click.Path(path_type=Path),
    default=Path("results/perf"),
    show_default=True,
    help="Folder of the records.",
)


class _Percent(click.ParamType[float]):
    name = "PERCENT"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            return float(str(value).rstrip("%")) / 100
        except ValueError:
            self.fail(f"{value!r} is not a percentage: write 10%.", param, ctx)


@click.group()
def perf() -> None:
    """Track speed over commits; pytest-benchmark underneath."""


@perf.command("run")
@click.option(
    "-m", "--model", "models", multiple=True, help="A model; all that can be timed if nothing is named."
)
@click.option(
    "-M", "--metric", "metrics", multiple=True, help="A metric; all that work here if nothing is named."
)
@click.option(
    "-d", "--dataset", default="synthfaces", show_default=True, help="Whose samples the metrics grade."
)
@click.option("--device", default="auto", show_default=True, metavar="auto|cpu|cuda[:i]")
@click.option(
    "--rounds", default=1000, show_default=True, type=click.IntRange(min=24), help="Readings, at most."
)
@click.option(
    "--threads",
    default=1,
    show_default=True,
    type=click.IntRange(min=1),
    help="Of torch on a CPU; one, since threads that wait for a busy core measure the neighbours.",
)
@click.option(
    "--batch",
    "batches",
    multiple=True,
    type=click.IntRange(min=1),
    default=(1, 8),
    show_default=True,
    help="Images a call; a metric is timed at the largest.",
)
@click.option("--size", default=128, show_default=True, help="Pixels, for a model that takes any.")
@click.option("--name", default="run", show_default=True, help="Of the record, after its number.")
@_STORAGE
@pass_context
def run(
    context: Context,
    models: tuple[str, ...],
    metrics: tuple[str, ...],
    dataset: str,
    device: str,
    rounds: int,
    threads: int,
    batches: tuple[int, ...],
    size: int,
    name: str,
    storage: Path,
) -> None:
    """Measure models and metrics and store a record.

    \b
    gath-bench perf run -m copy-source -M ssim
    """
    import torch

    from gath_bench.engine.device import resolve_device
    from gath_bench.perf.tracking import run_benchmarks
    from gath_bench.perf.tracking.metrics import tracked_metrics
    from gath_bench.perf.tracking.models import tracked_models

    place = resolve_device(device)
    torch.set_num_threads(threads)
    all_of_them = not models and not metrics
    tracked = []
    if models or all_of_them:
        tracked += tracked_models(context.registry, models, device=place, batches=batches, size=size)
    if metrics or all_of_them:
        tracked += tracked_metrics(context.registry, metrics, dataset, device=place, batch=max(batches))
    if not tracked:
        raise UsageError("nothing that is installed here can be tracked: name a model with -m.")
    if run_benchmarks(tracked, storage=storage, name=name, device=place, rounds=rounds):
        raise click.exceptions.Exit(1)


@perf.command("compare", context_settings={"ignore_unknown_options": True})  # -1 is the last record
@click.argument("before", default="-2")
@click.argument("after", default="-1")
@click.option("--fail", "tolerance", type=_Percent(), help="Exit 1 if anything is slower by more than this.")
@_STORAGE
def compare(before: str, after: str, tolerance: float | None, storage: Path) -> None:
    """Compare two records, by number or name; the last two if none is named.

    \b
    gath-bench perf compare 0001 0002 --fail 10%
    """
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from gath_bench.perf.tracking import compare_records, find_record

    first, second = find_record(storage, before), find_record(storage, after)
    table = Table("benchmark", "before ms", "after ms", "ratio", "may be", "memory MB", "", box=None)
    slower = False
    for line in compare_records(first, second):
        is_slower = tolerance is not None and line.is_slower(tolerance)
        slower |= is_slower
        unclear = tolerance is not None and line.may_be_slower(tolerance)
        notes = ["slower"] * is_slower + ["cannot tell"] * unclear
        notes += ["another key"] * (line.before.key != line.after.key)
        memory = " -> ".join(_megabytes(reading) for reading in (line.before, line.after))
        table.add_row(
            escape(line.name), f"{line.before.floor:.3f}", f"{line.after.floor:.3f}", f"{line.ratio:.3f}",
            f"{line.low:.3f} to {line.high:.3f}", memory, ", ".join(notes),
        )  # fmt: skip
    click.echo(f"{first.name} ({first.commit}) -> {second.name} ({second.commit})")
    Console().print(table)
    click.echo(
        "ratio: after over before, of undisturbed calls; 'may be': whatever neighbours on the machine did"
    )
    if slower:
        raise click.exceptions.Exit(1)


def _megabytes(reading: Reading) -> str:
    return "?" if reading.peak_memory_mb is None else f"{reading.peak_memory_mb:.1f}"


@perf.command("history")
@_STORAGE
def history(storage: Path) -> None:
    """List the records with what each benchmark took undisturbed, newest last."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from gath_bench.perf.tracking import read_records

    records = read_records(storage)
    if not records:
        raise UsageError(f"{storage} holds no record: `gath-bench perf run` writes one.")
    table = Table("record", "commit", "when", "benchmark", "ms", "images/s", "memory MB", box=None)
    for record in records:
        for name, reading in record.readings.items():
            table.add_row(
                record.name, record.commit, record.when[:19], escape(name),
                f"{reading.floor:.3f}", f"{reading.images_per_s:,.1f}", _megabytes(reading),
            )  # fmt: skip
    Console().print(table)
