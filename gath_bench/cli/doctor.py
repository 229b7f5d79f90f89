"""``gath-bench doctor``."""

from __future__ import annotations

import shutil

import click

from gath_bench.cli.context import Context, pass_context
from gath_bench.cli.output import wrap


@click.command()
@pass_context
def doctor(context: Context) -> None:
    """Show devices, versions and plugins, and missing packages and weights with the command that installs them.

    \b
    Examples:
      gath-bench doctor
    """
    from gath_bench.contracts.specs import KINDS
    from gath_bench.engine.device import resolve_device
    from gath_bench.engine.environment import describe_environment
    from gath_bench.registry import KIND_NAMES

    width = shutil.get_terminal_size().columns

    def show(name: str, text: str) -> None:
        click.echo(wrap(text, width, first=f"{name:13}", rest=13 * " "))

    device = resolve_device("auto")
    environment = describe_environment(device)
    machine = environment["machine"]
    show("device", device + (f" ({machine['gpu']})" if machine["gpu"] else ""))
    show("processor", f"{machine['cpu']}, cores: {machine['cores']}, threads of torch: {machine['threads']}")
    show("python", f"{machine['python']} on {environment['platform']}")
    for package, version in environment["packages"].items():
        show("package", f"{package} {version}")
    for plugin in context.plugins.loaded:
        show("plugin", f"{plugin.name} ({plugin.distribution}): {plugin.error or 'ok'}")
    registry = context.registry
    for kind in KINDS:
        for name, entry in sorted(registry.entries[kind].items()):
            lacking = registry.unavailable(entry.spec)
            if lacking:
                show("missing", f"{KIND_NAMES[kind]} {name} {lacking}")
