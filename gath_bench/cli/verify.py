"""``gath-bench verify``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from gath_bench.cli.context import Context, pass_context

if TYPE_CHECKING:
    from gath_bench.analysis import Drift
    from gath_bench.results import Manifest


@click.command()
@click.argument("path", type=click.Path(path_type=Path), metavar="RUN")
@click.option(
    "--limit", type=click.IntRange(min=1), metavar="N",
    help="At most N samples a data set, rounded up to whole batches.",
)  # fmt: skip
@pass_context
def verify(context: Context, path: Path, limit: int | None) -> None:
    """Measure a finished run again and print how far each metric drifted.

    Exit code 1 if a value moved by more than its metric's tolerance, if a component is not what it was, or if
    the run's files are not as the run wrote them. Speed is reported only.

    \b
    gath-bench verify results/runs/20260101T120000Z-quick --limit 16
    """
    from gath_bench.analysis import drift
    from gath_bench.cli.progress import progress_bars
    from gath_bench.engine.rerun import replan, rerun
    from gath_bench.results import damage, load

    run = load(path)
    _stop(damage(run))
    plan, changed = replan(run, context.registry, limit)
    _stop(changed)
    with TemporaryDirectory(prefix="gath-bench-") as folder, progress_bars(plan) as progress:
        again = load(rerun(plan, run.manifest.device, Path(folder) / "run", progress))
        drifts = drift(run, again)
    _show(drifts)
    for note in _changes(run.manifest, again.manifest):
        click.echo(f"note: {note}")
    held = all(one.held for one in drifts)
    click.echo(f"{path}: {'repeated' if held else 'drifted'}")
    if not held:
        raise click.exceptions.Exit(1)


def _stop(reasons: Sequence[str]) -> None:
    """Exit code 1 with the reasons, if there are any."""
    for reason in reasons:
        click.echo(f"gath-bench: {reason}", err=True)
    if reasons:
        raise click.exceptions.Exit(1)


def _show(drifts: Sequence[Drift]) -> None:
    width = max(len(one.metric) for one in drifts)
    click.echo(f"{'metric':{width}}  {'values':>8}  {'largest drift':>13}  {'tolerance':>9}")
    for one in drifts:
        if one.system:
            click.echo(f"{one.metric:{width}}  reported only")
            for line in one.summaries:
                click.echo(f"  {line}")
            continue
        verdict = "ok" if one.held else "DRIFT"
        if not one.graded:
            verdict = "reported only: not deterministic"
        click.echo(
            f"{one.metric:{width}}  {one.values:8}  {one.largest:13.3g}  {one.tolerance:9.3g}  {verdict}"
        )
        if not one.held:
            counts = f"{one.beyond} beyond tolerance, {one.vanished} vanished, {one.appeared} appeared"
            click.echo(f"  {counts}" + (f"; furthest at {one.worst}" if one.worst else ""))


def _changes(then: Manifest, now: Manifest) -> list[str]:
    """What is another machine or version: it need not move a value, and may explain one that moved."""
    notes = []
    if then.hardware != now.hardware:
        notes.append(f"measured on {then.hardware}, again on {now.hardware}.")
    old, new = (manifest.environment.get("packages", {}) for manifest in (then, now))
    moved = [name for name in sorted(set(old) & set(new)) if old[name] != new[name]]
    return notes + [f"{name} was {old[name]} and is {new[name]} now." for name in moved]
