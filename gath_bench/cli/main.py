"""``gath-bench``: the group, its global options, and one clear sentence for whatever goes wrong.

Subcommands are imported when they are called, so that ``--help`` and ``list`` are instant.
"""

from __future__ import annotations

import importlib
import sys
from typing import NoReturn

import click

from gath_bench.cli.context import Context
from gath_bench.contracts.specs import CommandSpec
from gath_bench.errors import UsageError, did_you_mean
from gath_bench.version import __version__

_BUILT_IN = {
    "run": CommandSpec(
        "run", "gath_bench.cli.run:run", "Measure models on data sets and print the comparison table."
    ),
    "report": CommandSpec(
        "report", "gath_bench.cli.report:report", "Print or write the tables of finished runs."
    ),
    "list": CommandSpec(
        "list",
        "gath_bench.cli.list:list_components",
        "List plugins, models, data sets, metrics, evaluators, AU spaces.",
    ),
    "render-list": CommandSpec(
        "render-list",
        "gath_bench.cli.render_list:render_list",
        "Write what a system outside Python has to render.",
    ),
    "perf": CommandSpec("perf", "gath_bench.cli.perf:perf", "Track speed over commits."),
    "doctor": CommandSpec(
        "doctor", "gath_bench.cli.doctor:doctor", "Show devices, versions and plugins, and what is missing."
    ),
}


class _Commands(click.Group):
    """Built-in and plugins' subcommands, listed from their specs and imported on call."""

    def _specs(self, ctx: click.Context) -> dict[str, CommandSpec]:
        specs = dict(_BUILT_IN)
        for plugin in ctx.ensure_object(Context).plugins.loaded:
            for spec in plugin.commands:
                if spec.name in specs:
                    click.echo(
                        f"warning: the subcommand {spec.name!r} of {plugin.source} is left out: it is there already.",
                        err=True,
                    )
                else:
                    specs[spec.name] = spec
        return specs

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(self._specs(ctx))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        # A built-in subcommand does not wait for plugins to be looked up.
        spec = _BUILT_IN.get(cmd_name) or self._specs(ctx).get(cmd_name)
        if spec is None:
            ctx.fail(f"there is no subcommand {cmd_name!r}; {did_you_mean(cmd_name, self._specs(ctx))}")
        module, _, attribute = spec.target.partition(":")
        try:
            command = getattr(importlib.import_module(module), attribute)
        except (ImportError, AttributeError) as error:
            raise UsageError(f"the subcommand {cmd_name!r} cannot be loaded: {error}.") from error
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, spec.summary) for name, spec in sorted(self._specs(ctx).items())])


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--plugin", "modules", multiple=True, metavar="MODULE", help="Also load this module as a plugin."
)
@click.option("--no-plugins", is_flag=True, help="Load no installed plugin, the built-in ones included.")
@click.option("-v", "--verbose", is_flag=True, help="Show the traceback of whatever goes wrong.")
@click.version_option(__version__, prog_name="gath-bench")
@click.pass_context
def cli(ctx: click.Context, modules: tuple[str, ...], no_plugins: bool, verbose: bool) -> None:
    """Benchmark AU-controlled portrait animation.

    Without arguments, `gath-bench run` measures the built-in models on the built-in data and prints the
    comparison table; it needs no network.
    """
    ctx.obj = Context(modules=modules, use_entry_points=not no_plugins, verbose=verbose)


def main() -> NoReturn:
    """The console script: exit code 2 with one sentence for a usage or configuration error."""
    try:
        sys.exit(cli.main(prog_name="gath-bench", standalone_mode=False) or 0)
    except UsageError as error:
        if {"-v", "--verbose"} & set(sys.argv[1:]):
            raise
        click.echo(f"gath-bench: {error}", err=True)
        sys.exit(2)
    except click.exceptions.Exit as error:
        sys.exit(error.exit_code)
    except click.Abort:
        click.echo("gath-bench: interrupted; `gath-bench run --resume RUN` goes on with a run.", err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
