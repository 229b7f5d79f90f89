"""``gath-bench compare``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from gath_bench.analysis import Comparison
    from gath_bench.results import Run

#: Of the JSON object.
SCHEMA = 1


@click.command()
@click.argument("run_a", type=click.Path(path_type=Path))
@click.argument("run_b", type=click.Path(path_type=Path))
@click.option("-M", "--metric", "metrics", multiple=True, help="Compare this metric only; may be repeated.")
@click.option(
    "--pair", "pairs", nargs=2, multiple=True, metavar="MODEL_A MODEL_B",
    help="Compare this model of RUN_A with that of RUN_B; may be repeated.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object rather than tables.")
def compare(
    run_a: Path, run_b: Path, metrics: tuple[str, ...], pairs: tuple[tuple[str, str], ...], as_json: bool
) -> None:
    """Paired differences of two runs on their common samples, with intervals and significance.

    Models are compared with their namesakes, the others with one another. Runs that are not like for like are
    refused with the part that differs.

    \b
    gath-bench compare results/runs/A results/runs/B
    gath-bench compare results/runs/A results/runs/B -M lpips --pair gath gath
    """
    from gath_bench.analysis import compare as compared
    from gath_bench.results import load

    first, second = load(run_a), load(run_b)
    found = compared(first, second, pairs=pairs, metrics=metrics)
    if as_json:
        click.echo(json.dumps(_object(first, second, found), indent=2, allow_nan=False))
    else:
        _show(first, second, found)


def _object(first: Run, second: Run, found: Sequence[Comparison]) -> dict[str, object]:
    return {
        "schema": SCHEMA,
        "run_a": first.path.as_posix(),
        "run_b": second.path.as_posix(),
        "rows": [asdict(one) for one in found],
    }


def _show(first: Run, second: Run, found: Sequence[Comparison]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    displays = {
        summary.name: record.display
        for run in (second, first)
        for record in run.manifest.metrics
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
            title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1),
        )  # fmt: skip
        for head in heads:
            table.add_column(head, justify="left" if head == "metric" else "right", no_wrap=True)
        for one in found:
            if (one.dataset, one.split, one.protocol, one.model_a, one.model_b) == title:
                table.add_row(*(Text(text) for text in _line(one, displays[one.metric])))
                few |= one.few_subjects
        console.print(table)
    if few:
        console.print(Text("  * few subjects: the interval is likely too short", style="dim"))


def _line(one: Comparison, display: str) -> tuple[str, ...]:
    def shown(value: float | None) -> str:
        return "NA" if value is None else display.format(value)

    interval = "" if one.low is None or one.high is None else f"[{shown(one.low)}, {shown(one.high)}]"
    chance = "not tested" if one.p_holm is None else "< 0.001" if one.p_holm < 0.001 else f"{one.p_holm:.3f}"
    better = {"a": "A", "b": "B", None: ""}[one.better]
    name = f"{one.metric} ({one.unit})" if one.unit else one.metric
    mark = "*" if one.few_subjects and interval else ""
    values = (shown(one.value_a), shown(one.value_b), shown(one.difference))
    return (name, *values, interval + mark, chance, better, str(one.n))
