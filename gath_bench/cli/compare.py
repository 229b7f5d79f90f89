"""``gath-bench compare``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from gath_bench.analysis import PairedDifference
    from gath_bench.evaluation.results import Results

#: Of the JSON object.
SCHEMA = 1


@click.command()
@click.argument("run_a", type=click.Path(path_type=Path))
@click.argument("run_b", type=click.Path(path_type=Path))
@click.option("-M", "--metric", "metrics", multiple=True, help="Compare this metric only; may be repeated.")
@click.option(
    "--pair",
    "pairs",
    nargs=2,
    multiple=True,
    metavar="MODEL_A MODEL_B",
    help="Compare this model of RUN_A with that of RUN_B; may be repeated.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of tables.")
def compare(
    run_a: Path, run_b: Path, metrics: tuple[str, ...], pairs: tuple[tuple[str, str], ...], as_json: bool
) -> None:
    """Paired differences of two runs on their common samples, with intervals and significance.

    Models of equal names are compared, and the other models with one another. Runs that are not comparable are
    refused; the message names the part that differs.

    \b
    gath-bench compare results/runs/A results/runs/B
    gath-bench compare results/runs/A results/runs/B -M lpips --pair gath gath
    """
    from gath_bench.evaluation.results import load_run

    first, second = load_run(run_a), load_run(run_b)
    found = first.compare(second, pairs=pairs, metrics=metrics)
    if as_json:
        click.echo(json.dumps(_object(run_a, run_b, found), indent=2, allow_nan=False))
    else:
        _show(first, second, found)


def _object(run_a: Path, run_b: Path, found: Sequence[PairedDifference]) -> dict[str, object]:
    return {
        "schema": SCHEMA,
        "run_a": run_a.as_posix(),
        "run_b": run_b.as_posix(),
        "rows": [asdict(one) for one in found],
    }


def _show(first: Results, second: Results, found: Sequence[PairedDifference]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    displays = {
        summary.name: record.display
        for results in (second, first)
        for record in results.manifests[0].metrics
        for summary in record.summaries
    }
    console = Console()
    console.print(Text(f"A: {first.path}\nB: {second.path}"), soft_wrap=True)
    heads = ("metric", "A", "B", "B - A", "95 % interval", "p (Holm)", "better", "n")
    few = False
    titles = dict.fromkeys((one.dataset, one.split, one.protocol, one.model_a, one.model_b) for one in found)
    for title in titles:
        dataset, split, protocol, model_a, model_b = title
        table = Table(
            title=Text(f"{model_b} (B) against {model_a} (A) · {dataset} · {split} · {protocol}"),
            title_justify="left",
            title_style="bold",
            box=box.SIMPLE_HEAD,
            pad_edge=False,
            padding=(0, 1),
        )
        for head in heads:
            table.add_column(head, justify="left" if head == "metric" else "right", no_wrap=True)
        for one in found:
            if (one.dataset, one.split, one.protocol, one.model_a, one.model_b) == title:
                table.add_row(*(Text(text) for text in _line(one, displays[one.metric])))
                few |= one.few_subjects
        console.print(table)
    if few:
        console.print(Text("  * few subjects: the interval is likely too short", style="dim"))


def _line(one: PairedDifference, display: str) -> tuple[str, ...]:
    def shown(value: float | None) -> str:
        return "NA" if value is None else display.format(value)

    interval = "" if one.low is None or one.high is None else f"[{shown(one.low)}, {shown(one.high)}]"
    chance = "not tested" if one.p_holm is None else "< 0.001" if one.p_holm < 0.001 else f"{one.p_holm:.3f}"
    better = {"a": "A", "b": "B", None: ""}[one.better]
    name = f"{one.metric} ({one.unit})" if one.unit else one.metric
    mark = "*" if one.few_subjects and interval else ""
    values = (shown(one.value_a), shown(one.value_b), shown(one.difference))
    return (name, *values, interval + mark, chance, better, str(one.n))
