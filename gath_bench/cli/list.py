"""``gath-bench list``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict

import click

from gath_bench.cli.context import Context, pass_context
from gath_bench.contracts.specs import Kind
from gath_bench.registry import KIND_NAMES, LIST_ARGUMENTS

_KINDS: dict[str, Kind] = {argument: kind for kind, argument in LIST_ARGUMENTS.items()}
_WHAT = ("plugins", *_KINDS, "au-spaces")


@click.command("list")
@click.argument("what", required=False, type=click.Choice(_WHAT), metavar="[KIND]")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
@pass_context
def list_components(context: Context, what: str | None, as_json: bool) -> None:
    """List plugins, models, data sets, metrics, evaluators, AU spaces.

    KIND is plugins, models, datasets, metrics, estimators (of AUs), encoders (of identities), trunks (of perceptual
    metrics), detectors (of faces) or au-spaces; without it, all kinds are listed.

    A component that cannot be used has its status in brackets, with the command that helps. A component that needs a
    weights file says whether it was found.

    \b
    Examples:
      gath-bench list
      gath-bench list trunks
      gath-bench list metrics --json
    """
    groups = {name: list(_items(context, name)) for name in ([what] if what else _WHAT)}
    if as_json:
        click.echo(json.dumps([item for items in groups.values() for item in items], indent=2))
        return
    for name, items in groups.items():
        _show(name, items)


def _show(name: str, items: Sequence[dict[str, str]]) -> None:
    """One kind: a line for each item, and a second one for what is wrong with it."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    kind = KIND_NAMES[_KINDS[name]] + "s" if name in _KINDS else name
    heading = Text(kind, style="bold").append("" if kind == name else f"  ({name})", style="not bold dim")
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for item in items:
        text = Text(item.get("description") or item["summary"])
        weights = item.get("weights", "")
        if item["status"] != "ok":
            status = f"weights {weights}" if weights in ("missing", "damaged") else item["status"]
            text = Text() if text.plain == item["summary"] else text.append("\n")
            text.append(f"[{status}] {item['summary']}", style="yellow")
        elif weights:
            text.append(f" (weights {weights})", style="dim")
        table.add_row(Text(f"  {item['name']}"), text)
    console = Console()
    console.print(heading)
    console.print(table)


def _items(context: Context, what: str) -> Iterator[dict[str, str]]:
    if what == "plugins":
        for plugin in context.plugins.loaded:
            count = f"{_counted(plugin.components, 'component')}, {_counted(plugin.commands, 'command')}"
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

        kind = _KINDS[what]
        for info in listed(kind, plugins=context.plugins):
            yield {**asdict(info), "kind": kind.replace("_", "-")}


def _counted(items: Sequence[object], noun: str) -> str:
    return f"{len(items)} {noun}{'' if len(items) == 1 else 's'}"


def _item(kind: str, name: str, version: str, plugin: str, status: str, summary: str) -> dict[str, str]:
    return dict(kind=kind, name=name, version=version, plugin=plugin, status=status, summary=summary)
