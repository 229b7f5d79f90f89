"""``gath-bench list``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from itertools import groupby

import click

from gath_bench.cli.context import Context, pass_context
from gath_bench.contracts.specs import Kind

_KINDS: dict[str, tuple[Kind, ...]] = {
    "models": ("model",),
    "datasets": ("dataset",),
    "metrics": ("metric",),
    "estimators": ("au_estimator",),
    "encoders": ("identity_encoder", "perceptual_trunk"),
    "detectors": ("face_detector",),
}
_WHAT = ("plugins", *_KINDS, "au-spaces")


@click.command("list")
@click.argument("what", required=False, type=click.Choice(_WHAT))
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
@pass_context
def list_components(context: Context, what: str | None, as_json: bool) -> None:
    """List plugins, models, data sets, metrics, evaluators, AU spaces. What cannot be used has its status in brackets.

    \b
    gath-bench list
    gath-bench list metrics --json
    """
    items = [item for name in ([what] if what else _WHAT) for item in _items(context, name)]
    if as_json:
        click.echo(json.dumps(items, indent=2))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console, width = Console(), max((len(item["name"]) for item in items), default=0)
    for kind, group in groupby(items, lambda item: item["kind"]):
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
        table.add_column(min_width=width, no_wrap=True)
        table.add_column(overflow="fold")
        for item in group:
            text = Text(item["summary"])
            if item["status"] != "ok":
                text = Text(f"[{item['status']}] ", style="yellow").append(item["summary"])
            table.add_row(Text(f"  {item['name']}"), text)
        console.print(Text(f"{kind}", style="bold"))
        console.print(table)


def _items(context: Context, what: str) -> Iterator[dict[str, str]]:
    if what == "plugins":
        for plugin in context.plugins.loaded:
            count = f"{len(plugin.components)} components, {len(plugin.commands)} commands"
            status = "failed" if plugin.error else "ok"
            yield _item(
                "plugin", plugin.name, plugin.version, plugin.distribution, status, plugin.error or count
            )
    elif what == "au-spaces":
        from gath_bench.au import SPACES

        for space in SPACES.values():
            yield _item("au-space", space.name, "", "gath-bench", "ok", space.summary)
    else:
        from gath_bench.evaluation.components import list_components as listed

        for kind in _KINDS[what]:
            for info in listed(kind, plugins=context.plugins):
                yield {**asdict(info), "kind": kind.replace("_", "-")}


def _item(kind: str, name: str, version: str, plugin: str, status: str, summary: str) -> dict[str, str]:
    return dict(kind=kind, name=name, version=version, plugin=plugin, status=status, summary=summary)
