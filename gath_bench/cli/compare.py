"""``gath-bench compare``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gath_bench.report.table import ARROWS, format_value

if TYPE_CHECKING:
    from rich.table import Table

    from gath_bench.analysis import PairedDifference
    from gath_bench.evaluation.results import Results

#: Of the JSON object.
SCHEMA = 1


@click.command()
@click.argument("run_a", type=click.Path(path_type=Path))
@click.argument("run_b", type=click.Path(path_type=Path))
@click.option(
    "-M",
    "--metric",
    "metrics",
    multiple=True,
    metavar="NAME",
    help="Compare this metric only; may be repeated.",
)
@click.option(
    "--pair",
    "pairs",
    nargs=2,
    multiple=True,
    metavar="MODEL_A MODEL_B",
    help="Compare this model of RUN_A with that of RUN_B; may be repeated.",
)
@click.option(
    "--all", "everything", is_flag=True, help="Show all values, and models whose names are in one run only."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of tables.")
def compare(
    run_a: Path,
    run_b: Path,
    metrics: tuple[str, ...],
    pairs: tuple[tuple[str, str], ...],
    everything: bool,
    as_json: bool,
) -> None:
    """Show paired differences of two runs on their common samples, with intervals and significance.

    Models of equal names are compared in the headline values; without any such model, each model with each. Runs that
    are not comparable are refused; the message names the part that differs.

    \b
    Examples:
      gath-bench compare results/runs/A results/runs/B
      gath-bench compare results/runs/A results/runs/B --all
      gath-bench compare results/runs/A results/runs/B -M lpips --pair gath gath
    """
    from gath_bench.analysis.compare import count_values
    from gath_bench.evaluation.results import load_run

    first, second = load_run(run_a), load_run(run_b)
    short = not (everything or metrics or as_json)
    found = first.compare(second, pairs=pairs, metrics=metrics, namesakes=not everything, headlines=short)
    if as_json:
        click.echo(json.dumps(_object(run_a, run_b, found), indent=2, allow_nan=False))
        return
    _show(first, second, found, everything)
    if short:
        every = count_values(first.opened[0], second.opened[0], pairs=pairs, namesakes=True)
        if rest := every - len(found):
            click.echo(f"{rest} more values: --all")


def _object(run_a: Path, run_b: Path, found: Sequence[PairedDifference]) -> dict[str, object]:
    return {
        "schema": SCHEMA,
        "run_a": run_a.as_posix(),
        "run_b": run_b.as_posix(),
        "rows": [asdict(one) for one in found],
    }


def _show(first: Results, second: Results, found: Sequence[PairedDifference], everything: bool) -> None:
    from rich.console import Console
    from rich.text import Text

    from gath_bench.analysis import verdict

    displays = {
        summary.name: record.display
        for results in (second, first)
        for record in results.manifests[0].metrics
        for summary in record.summaries
    }
    console = Console()
    console.print(Text(f"A: {first.path}\nB: {second.path}"), soft_wrap=True)
    console.print(Text(verdict(found), style="bold"), soft_wrap=True)
    titles = dict.fromkeys((one.dataset, one.split, one.protocol, one.model_a, one.model_b) for one in found)
    for title in titles:
        dataset, split, protocol, model_a, model_b = title
        mine = [
            one for one in found if (one.dataset, one.split, one.protocol, one.model_a, one.model_b) == title
        ]
        console.print()
        heading = f"{model_b} (B) against {model_a} (A) · {dataset} · {split} · {protocol}"
        console.print(Text(heading, style="bold"), soft_wrap=True)
        if len(titles) > 1:
            console.print(Text(verdict(mine)), soft_wrap=True)
        measured = [one for one in mine if one.value_a is not None or one.value_b is not None]
        console.print(_table(measured, displays, counts=everything or console.width >= 100))
        if missing := ", ".join(one.metric for one in mine if one not in measured):
            console.print(Text(f"NA in both runs: {missing}", style="dim"), soft_wrap=True)
    if any(one.few_subjects and one.low is not None for one in found):
        console.print(Text("* few subjects: the interval is likely too short", style="dim"))


def _table(found: Sequence[PairedDifference], displays: dict[str, str], *, counts: bool) -> Table:
    """The values of one pair of models; the interval is below the difference. Speeds are not tested: they have no p."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    for head in ("metric", "A", "B", "B - A [95 %]", "p (Holm)", "better", *(["n"] if counts else [])):
        left = head in ("metric", "better")
        table.add_column(head, justify="left" if left else "right", no_wrap=head != "metric", overflow="fold")
    for one in found:
        name, a, b, difference, interval, chance, better, n = _line(one, displays[one.metric])
        both = Text(difference).append(f"\n{interval}" if interval else "", style="dim")
        style = "bold" if better else ""
        last = [n] if counts else []
        table.add_row(Text(name), a, b, both, chance, Text(better, style=style), *last)
    return table


def _line(one: PairedDifference, display: str) -> tuple[str, ...]:
    def shown(value: float | None) -> str:
        return "NA" if value is None else format_value(value, display)

    interval = "" if one.low is None or one.high is None else f"[{shown(one.low)}, {shown(one.high)}]"
    chance = "" if one.p_holm is None else "< 0.001" if one.p_holm < 0.001 else f"{one.p_holm:.3f}"
    better = {"a": "A", "b": "B", None: ""}[one.better]
    # A name with a part after the dot contains its unit there (`latency_p50_ms`).
    unit = one.unit if "." not in one.metric else ""
    name = " ".join(part for part in (one.metric, unit, ARROWS[one.direction]) if part)
    mark = "*" if one.few_subjects and interval else ""
    values = (shown(one.value_a), shown(one.value_b), shown(one.difference))
    return (name, *values, interval + mark, chance, better, str(one.n))
