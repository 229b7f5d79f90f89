"""``gath-bench doctor``."""

from __future__ import annotations

import click

from gath_bench.cli.context import Context, pass_context


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

    device = resolve_device("auto")
    environment = describe_environment(device)
    machine = environment["machine"]
    click.echo(f"device       {device}" + (f" ({machine['gpu']})" if machine["gpu"] else ""))
    click.echo(f"processor    {machine['cpu']}, {machine['cores']} cores, {machine['threads']} threads")
    click.echo(f"python       {machine['python']} on {environment['platform']}")
    for package, version in environment["packages"].items():
        click.echo(f"package      {package} {version}")
    for plugin in context.plugins.loaded:
        click.echo(f"plugin       {plugin.name} ({plugin.distribution}): {plugin.error or 'ok'}")
    registry = context.registry
    for kind in KINDS:
        for name, entry in sorted(registry.entries[kind].items()):
            lacking = registry.unavailable(entry.spec)
            if lacking:
                click.echo(f"missing      {kind.replace('_', ' ')} {name} {lacking}")
