"""``gath-bench check``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, get_args

import click

from gath_bench.cli.context import Context, pass_context
from gath_bench.cli.help import device_option
from gath_bench.cli.output import stdout_to_stderr
from gath_bench.contracts.keys import ComponentName
from gath_bench.contracts.specs import KINDS, Kind
from gath_bench.errors import UsageError, did_you_mean
from gath_bench.registry import KIND_NAMES, MissingParameter

if TYPE_CHECKING:
    from gath_bench.testing import Finding


@click.command()
@click.argument("name", required=False)
@click.option(
    "--kind",
    type=click.Choice([kind.replace("_", "-") for kind in get_args(Kind)]),
    metavar="KIND",
    help="Check components of this kind only: model, dataset, metric, au-estimator, identity-encoder, "
    "perceptual-trunk or face-detector.",
)
@click.option(
    "-d",
    "--dataset",
    metavar="NAME",
    help="Take the samples from this data set; by default from those of the quick suite.",
)
@device_option("cpu")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
@pass_context
def check(
    context: Context, name: str | None, kind: str | None, dataset: str | None, device: str, as_json: bool
) -> None:
    """Check whether components keep their contract, and print what fails and why.

    NAME is a component, such as `ssim` or `synthfaces[size=64]`, or a plugin. Without NAME, the components of
    --plugin are checked; without --plugin, all components. The exit code is 1 if a check fails.

    \b
    Examples:
      gath-bench check ssim
      gath-bench check synthfaces --kind dataset
      gath-bench --plugin my_plugin.py check
    """
    failed, printed = False, []
    if dataset is not None:
        context.registry.find("dataset", ComponentName.parse(dataset).name)
    place = context.resolve_device(device)
    for one, component in _chosen(context, name, kind):
        with stdout_to_stderr():
            findings = _findings(context, one, component, dataset, place, explicit=component == name)
        failed |= any(finding.status == "failed" for finding in findings)
        if as_json:
            printed.append(
                {"kind": one.replace("_", "-"), "name": component, "checks": [asdict(f) for f in findings]}
            )
        else:
            _print(one, component, findings)
    if as_json:
        click.echo(json.dumps(printed, indent=2))
    if failed:
        raise click.exceptions.Exit(1)


def _chosen(context: Context, name: str | None, kind: str | None) -> Iterator[tuple[Kind, str]]:
    """Kind and name of the components to check."""
    kinds = [one for one in KINDS if kind in (None, one.replace("_", "-"))]
    entries = context.registry.entries
    plugins = {plugin.name for plugin in context.plugins.loaded}
    if name is None or name in plugins:
        owners = {name} if name else {p.name for p in context.plugins.loaded if p.distribution == "--plugin"}
        chosen = [
            (one, component)
            for one in kinds
            for component, entry in sorted(entries[one].items())
            if not owners or entry.plugin.name in owners
        ]
        if not chosen:
            raise UsageError("there are no components to check: `gath-bench list` shows what is registered.")
        yield from chosen
        return
    bare = ComponentName.parse(name).name
    found = [one for one in kinds if bare in entries[one] or (one, bare) in context.registry.collisions]
    if not found:
        known = {component for one in kinds for component in entries[one]} | plugins
        what = f"{KIND_NAMES[kinds[0]]}" if kind else "component or plugin"
        raise UsageError(f"there is no {what} {bare!r}: {did_you_mean(bare, known)}")
    yield from ((one, name) for one in found)


def _findings(
    context: Context, kind: Kind, name: str, dataset: str | None, device: str, *, explicit: bool
) -> list[Finding]:
    """The findings of one component; one that needs a parameter is skipped unless it was named."""
    from gath_bench.testing import Finding, check_component
    from gath_bench.testing.samples import Bench

    registry = context.registry
    spec = registry.find(kind, ComponentName.parse(name).name).spec
    if missing := registry.missing(spec):
        return [Finding("declaration", "skipped", missing)]
    try:
        component = registry.make(kind, name)
    except MissingParameter as error:
        if explicit:
            raise
        return [Finding("declaration", "skipped", str(error))]
    except UsageError as error:
        if explicit:
            raise
        return [Finding("declaration", "failed", str(error))]
    return check_component(component, Bench(context.plugins, registry, dataset, device))


def _print(kind: Kind, name: str, findings: list[Finding]) -> None:
    """A component and its checks, one line each; failures in red."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    console.print(Text(f"{KIND_NAMES[kind]} {name}", style="bold"))
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    styles = {"ok": "green", "failed": "bold red", "skipped": "yellow"}
    for finding in findings:
        table.add_row(
            Text(f"  {finding.status}", style=styles[finding.status]), finding.check, Text(finding.message)
        )
    console.print(table)
