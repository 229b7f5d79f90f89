"""``gath-bench perf run|compare|history``."""

from __future__ import annotations

from pathlib import Path

import click

from gath_bench.cli.context import Context, pass_context

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
    "-m", "--model", "models", multiple=True, help="A model; all that can be timed if none is given."
)
@click.option("--device", default="auto", show_default=True, metavar="auto|cpu|cuda[:i]")
@click.option(
    "--rounds", default=1000, show_default=True, type=click.IntRange(min=15), help="Readings, at most."
)
@click.option(
    "--threads",
    default=1,
    show_default=True,
    type=click.IntRange(min=1),
    help="Of torch on a CPU; one, since threads that wait for a busy core measure the neighbours.",
)
@click.option(
    "--batch", "batches", multiple=True, type=click.IntRange(min=1), default=(1, 8), show_default=True
)
@click.option("--size", default=128, show_default=True, help="Pixels, for a model that takes any.")
@click.option("--name", default="run", show_default=True, help="Of the record, after its number.")
@_STORAGE
@pass_context
def run(
    context: Context,
    models: tuple[str, ...],
    device: str,
    rounds: int,
    threads: int,
    batches: tuple[int, ...],
    size: int,
    name: str,
    storage: Path,
) -> None:
    """Measure models and store a record.

    \b
    gath-bench perf run -m copy-source
    """
    import torch

    from gath_bench.engine.device import resolve_device
    from gath_bench.perf.tracking import run_benchmarks
    from gath_bench.perf.tracking.subjects import tracked_models

    place = resolve_device(device)
    torch.set_num_threads(threads)
    tracked = tracked_models(context.registry, models, device=place, batches=batches, size=size)
    code = run_benchmarks(tracked, storage=storage, name=name, device=place, rounds=rounds)
    if code:
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
    from rich.table import Table

    from gath_bench.perf.tracking import compare_records, find_record

    first, second = find_record(storage, before), find_record(storage, after)
    table = Table("benchmark", "before ms", "after ms", "ratio", "95 %", "", box=None)
    slower = False
    for line in compare_records(first, second):
        is_slower = tolerance is not None and line.is_slower(tolerance)
        slower |= is_slower
        table.add_row(
            line.name, f"{line.before:.3f}", f"{line.after:.3f}", f"{line.ratio:.3f}",
            f"[{line.low:.3f}, {line.high:.3f}]".replace("[", r"\["), "slower" if is_slower else "",
        )  # fmt: skip
    click.echo(f"{first.name} ({first.commit}) -> {second.name} ({second.commit})")
    Console().print(table)
    click.echo("ratio: after over before, each relative to reference work measured in turn with it")
    if slower:
        raise click.exceptions.Exit(1)


@perf.command("history")
@_STORAGE
def history(storage: Path) -> None:
    """List the records with each benchmark's median, newest last."""
    import numpy as np
    from rich.console import Console
    from rich.table import Table

    from gath_bench.perf.tracking import read_records

    table = Table("record", "commit", "when", "benchmark", "median ms", "relative", box=None)
    for record in read_records(storage):
        for name, reading in record.readings.items():
            table.add_row(
                record.name, record.commit, record.when[:19], name,
                f"{np.median(reading.milliseconds):.3f}", f"{np.median(reading.relative):.3f}",
            )  # fmt: skip
    Console().print(table)
