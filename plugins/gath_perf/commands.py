"""``gath-bench perf run|compare|history``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gath_bench.contracts import CommandContext
from gath_bench.errors import UsageError, did_you_mean
from gath_bench.files import write_text
from gath_perf.storage import folder_to_write, folders_to_read

if TYPE_CHECKING:
    from gath_perf.records import Reading, Record

#: The least side of images in pixels.
MIN_SIDE = 16
_STORAGE = click.option(
    "--storage",
    type=click.Path(path_type=Path),
    envvar="GATH_BENCH_PERF",
    show_envvar=True,
    metavar="DIR",
    help="Folder of the records, instead of the user's folder and results/perf.",
)


def _percent(context: click.Context, parameter: click.Parameter, value: str | None) -> float | None:
    """A percentage as a fraction: ``10%`` -> 0.1."""
    if value is None:
        return None
    try:
        return float(value.rstrip("%")) / 100
    except ValueError:
        raise click.BadParameter(f"{value!r} is not a percentage: write 10%.") from None


@click.group()
def perf() -> None:
    """Track speed over commits, with pytest-benchmark."""


@perf.command("run")
@click.option(
    "-m",
    "--model",
    "models",
    multiple=True,
    metavar="NAME",
    help="A model; may be repeated. By default all that can be timed.",
)
@click.option(
    "-M",
    "--metric",
    "metrics",
    multiple=True,
    metavar="NAME",
    help="A metric; may be repeated. By default all that work here.",
)
@click.option(
    "-d",
    "--dataset",
    default="synthfaces",
    show_default=True,
    metavar="NAME",
    help="The data set whose samples the metrics get.",
)
@click.option(
    "--device",
    default="auto",
    show_default=True,
    metavar="auto|cpu|cuda[:i]",
    help="Where to compute; auto: on the GPU if there is one.",
)
@click.option(
    "--rounds",
    default=1000,
    show_default=True,
    type=click.IntRange(min=24),
    metavar="N",
    help="Readings per benchmark, at most.",
)
@click.option(
    "--threads",
    default=1,
    show_default=True,
    type=click.IntRange(min=1),
    metavar="N",
    help="Threads of torch on a CPU. With more than one, waiting for a busy core is measured too.",
)
@click.option(
    "--batch",
    "batches",
    multiple=True,
    type=click.IntRange(min=1),
    default=(1, 8),
    show_default=True,
    metavar="N",
    help="Images per call; may be repeated. A metric is timed with the largest.",
)
@click.option(
    "--size",
    default=128,
    show_default=True,
    metavar="N",
    help="Side of the images in pixels, for models without a fixed resolution.",
)
@click.option(
    "--name",
    metavar="NAME",
    help="Name of the record, which is then stored in results/perf, to be committed.",
)
@_STORAGE
@click.pass_obj
def run(
    context: CommandContext,
    models: tuple[str, ...],
    metrics: tuple[str, ...],
    dataset: str,
    device: str,
    rounds: int,
    threads: int,
    batches: tuple[int, ...],
    size: int,
    name: str | None,
    storage: Path | None,
) -> None:
    """Measure models and metrics, and store a record.

    The record is stored in your own folder, outside the repository; with --name in results/perf.

    \b
    Examples:
      gath-bench perf run -m copy-source -M ssim
    """
    import torch

    from gath_perf.metrics import metric_cases
    from gath_perf.models import model_cases
    from gath_perf.session import run_benchmarks

    if size < MIN_SIDE:
        raise UsageError(f"--size {size} is too small: give at least {MIN_SIDE} pixels.")
    if name is not None and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        raise UsageError(f"--name {name!r} is not the name of a record: use letters, digits, and . _ -")
    if dataset != "synthfaces":
        context.load("dataset", dataset)  # before any work
    device = context.resolve_device(device)
    torch.set_num_threads(threads)
    all_components = not models and not metrics
    cases = []
    if models or all_components:
        cases += model_cases(context, models, device=device, batches=batches, size=size)
    if metrics or all_components:
        cases += metric_cases(context, metrics, dataset, device=device, batch=max(batches))
    if not cases:
        raise UsageError("nothing that is installed here can be tracked: name a model with -m.")
    folder = folder_to_write(storage, name)
    if run_benchmarks(cases, storage=folder, name=name or "run", device=device, rounds=rounds):
        raise click.exceptions.Exit(1)


@perf.command("compare", context_settings={"ignore_unknown_options": True})  # -1 is the newest record
@click.argument("before", required=False)
@click.argument("after", required=False)
@click.option(
    "--fail",
    "tolerance",
    metavar="PERCENT",
    callback=_percent,
    help="Exit with code 1 if a benchmark is slower by more than this, such as 10%.",
)
@_STORAGE
def compare(before: str | None, after: str | None, tolerance: float | None, storage: Path | None) -> None:
    """Compare two records of `perf run`.

    BEFORE and AFTER are numbers, names or positions (-1 is the newest record). Without them, the newest record of this
    machine is compared with the newest earlier one that is comparable. Records of other machines are skipped, and the
    command says which.

    \b
    Examples:
      gath-bench perf compare 0001 0002 --fail 10%
    """
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from gath_bench.perf import describe_hardware
    from gath_perf.comparison import compare_records
    from gath_perf.records import Pair, find_record, newest_pair

    records = _read(storage)
    if before is None:
        pair = newest_pair(records, describe_hardware())
    else:
        pair = Pair(find_record(records, before), find_record(records, after or "-1"), ())
    for record, reason in pair.skipped:
        click.echo(f"skipped {record.name}: {reason}", err=True)
    table = Table("benchmark", "before ms", "after ms", "ratio", "range", "memory MB", "", box=None)
    any_slower = False
    for line in compare_records(pair.before, pair.after):
        slower = tolerance is not None and line.is_slower(tolerance)
        any_slower |= slower
        notes = ["slower"] if slower else []
        if tolerance is not None and line.is_undecided(tolerance):
            notes.append("cannot tell")
        if line.before.key != line.after.key:
            notes.append("different key")
        cells = [
            escape(line.name),
            f"{line.before.floor:.3f}",
            f"{line.after.floor:.3f}",
            f"{line.ratio:.3f}",
            f"{line.low:.3f} to {line.high:.3f}",
            f"{_megabytes(line.before)} -> {_megabytes(line.after)}",
            ", ".join(notes),
        ]
        table.add_row(*cells)
    click.echo(f"{pair.before.name} ({pair.before.commit}) -> {pair.after.name} ({pair.after.commit})")
    Console().print(table)
    click.echo(
        "ratio: after over before, of undisturbed calls; range: its bounds under any load on the machine"
    )
    if any_slower:
        raise click.exceptions.Exit(1)


@perf.command("ratios")
@click.argument("cases", nargs=-1, metavar="[loop|torchmetrics|ssim|added-model|help|list|report|compare]...")
@click.option(
    "--pairs",
    default=64,
    show_default=True,
    type=click.IntRange(min=16),
    metavar="N",
    help="Pairs of images.",
)
@click.option(
    "--rounds",
    default=3,
    show_default=True,
    type=click.IntRange(min=1),
    metavar="N",
    help="Readings per case.",
)
@click.option(
    "--threads",
    default=1,
    show_default=True,
    type=click.IntRange(min=1),
    metavar="N",
    help="Threads of torch.",
)
@click.pass_obj
def ratios(context: CommandContext, cases: tuple[str, ...], pairs: int, rounds: int, threads: int) -> None:
    """Compare the engine's time with that of the same work without it.

    `loop` compares evaluate() with a hand-written loop, `torchmetrics` with torchmetrics, `ssim` our SSIM with that of
    scikit-image, `added-model` one more model with that model alone. Both sides run in turn in one process. Without
    arguments, all cases are measured.

    \b
    Examples:
      gath-bench perf ratios
      gath-bench perf ratios loop --pairs 512 --threads 2
      gath-bench perf ratios help list report compare --rounds 11
    """
    import torch

    from gath_perf.ratios import CASES, measure_ratio

    torch.set_num_threads(threads)
    for name in cases or tuple(CASES):
        if name not in CASES:
            raise UsageError(f"there is no case {name!r}: {did_you_mean(name, CASES)}")
    click.echo(f"{'case':13} {'wall':>7} {'processor':>9}  {'seconds':>15}  wanted")
    for name in cases or tuple(CASES):
        case = CASES[name]
        found = measure_ratio(*case.pair(context, pairs), rounds)
        seconds = f"{found.first:.2f} / {found.second:.2f}"
        click.echo(
            f"{name:13} {found.wall:7.2f} {found.processor:9.2f}  {seconds:>15}  {case.bound}: {case.summary}"
        )


@perf.command("history")
@click.option(
    "--html",
    "page",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the times as plots over the dates into this file instead, which opens offline.",
)
@_STORAGE
def history(page: Path | None, storage: Path | None) -> None:
    """List the records with the time of each benchmark, oldest first.

    \b
    Examples:
      gath-bench perf history
      gath-bench perf history --storage results/perf
      gath-bench perf history --html history.html
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    records = _read(storage)
    if page is not None:
        from gath_perf.trend import render_trend

        try:
            page.parent.mkdir(parents=True, exist_ok=True)
            write_text(page, render_trend(records))
        except OSError as error:
            raise UsageError(
                f"{page} cannot be written: {error.strerror}; pass another file with --html."
            ) from error
        click.echo(f"written: {page}", err=True)
        return
    console = Console()
    for record in records:
        title = f"{record.name}  commit {record.commit}  {record.when[:19].replace('T', ' ')}"
        console.print(Text(title, style="bold"), soft_wrap=True)
        table = Table("  benchmark", box=None, pad_edge=False, padding=(0, 2, 0, 0))
        for head in ("ms", "images/s", "memory MB"):
            table.add_column(head, justify="right", no_wrap=True)
        for name, reading in record.readings.items():
            milliseconds, speed = f"{reading.floor:.3f}", f"{reading.images_per_s:,.1f}"
            # A name that is too long is continued on the next line; it is never cut.
            table.add_row(Text(f"  {name}", overflow="fold"), milliseconds, speed, _megabytes(reading))
        console.print(table)


def _read(storage: Path | None) -> list[Record]:
    from gath_perf.records import read_records

    folders = folders_to_read(storage)
    records = read_records(folders)
    if not records:
        places = " and ".join(str(folder) for folder in folders)
        raise UsageError(f"there is no record in {places}: `gath-bench perf run` writes one.")
    return records


def _megabytes(reading: Reading) -> str:
    return "?" if reading.peak_memory_mb is None else f"{reading.peak_memory_mb:.1f}"
