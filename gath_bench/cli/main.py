"""``gath-bench``: the command group, its global options, and one sentence for every error.

Subcommands are imported when they are called, so that ``--help`` and ``list`` are instant.
"""

from __future__ import annotations

import errno
import importlib
import io
import sys
import warnings
from typing import Any, NoReturn

import click

from gath_bench.cli.context import Context
from gath_bench.cli.help import HelpContext, use_help_format
from gath_bench.cli.output import echo
from gath_bench.contracts.specs import CommandSpec
from gath_bench.errors import UsageError, describe_error, did_you_mean, plain_text
from gath_bench.plugins import PluginWarning
from gath_bench.version import __version__

_show_python_warning = warnings.showwarning
_BUILT_IN = {
    "run": CommandSpec("run", "gath_bench.cli.run:run", "Measure models on data sets, and print the table."),
    "report": CommandSpec(
        "report", "gath_bench.cli.report:report", "Print or write the tables of finished runs."
    ),
    "compare": CommandSpec(
        "compare", "gath_bench.cli.compare:compare", "Show paired differences of two runs."
    ),
    "verify": CommandSpec(
        "verify", "gath_bench.cli.verify:verify", "Measure a finished run again, and compare."
    ),
    "list": CommandSpec(
        "list",
        "gath_bench.cli.list:list_components",
        "List models, data sets, metrics and other components.",
    ),
    "render-list": CommandSpec(
        "render-list",
        "gath_bench.cli.render_list:render_list",
        "Write inputs for a system outside Python.",
    ),
    "label": CommandSpec(
        "label",
        "gath_bench.cli.label:label",
        "Measure the AUs of a data set, to train on them.",
    ),
    "animate": CommandSpec(
        "animate", "gath_bench.cli.animate:animate", "Animate the face in a photo by AUs, a CSV or a video."
    ),
    "demo": CommandSpec("demo", "gath_bench.cli.demo:demo", "Animate a photo by sliders in the browser."),
    "check": CommandSpec(
        "check", "gath_bench.cli.check:check", "Check whether components keep their contract."
    ),
    "plugin": CommandSpec(
        "plugin", "gath_bench.cli.plugin:plugin", "Write a new plugin: components and tests."
    ),
    "doctor": CommandSpec(
        "doctor",
        "gath_bench.cli.doctor:doctor",
        "Show devices, versions, and what is missing.",
    ),
    "weights": CommandSpec(
        "weights",
        "gath_bench.cli.weights:weights",
        "List, download and add published weights files.",
    ),
}


def _context(ctx: click.Context) -> Context:
    """The context of the global options. click may resolve a subcommand before it calls the group."""
    if ctx.obj is None:
        given = ctx.params
        ctx.obj = Context(given.get("modules", ()), not given.get("no_plugins"), bool(given.get("verbose")))
    assert isinstance(ctx.obj, Context)
    return ctx.obj


class _Commands(click.Group):
    """Built-in and plugins' subcommands, listed from their specs and imported on call."""

    context_class = HelpContext

    def _specs(self, ctx: click.Context) -> dict[str, CommandSpec]:
        specs = dict(_BUILT_IN)
        owners = dict.fromkeys(specs, "gath-bench itself")
        for plugin in _context(ctx).plugins.loaded:
            for spec in plugin.commands:
                if spec.name in specs:
                    click.echo(
                        f"warning: the subcommand {spec.name!r} of {plugin.source} is ignored: "
                        f"{owners[spec.name]} has a subcommand of that name.",
                        err=True,
                    )
                else:
                    specs[spec.name], owners[spec.name] = spec, plugin.source
        return specs

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(self._specs(ctx))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        # Built-in subcommands do not load plugins.
        spec = _BUILT_IN.get(cmd_name) or self._specs(ctx).get(cmd_name)
        if spec is None:
            ctx.fail(f"there is no subcommand {cmd_name!r}; {did_you_mean(cmd_name, self._specs(ctx))}")
        module, _, attribute = spec.target.partition(":")
        try:
            command = getattr(importlib.import_module(module), attribute)
        except Exception as error:
            raise UsageError(f"the subcommand {cmd_name!r} cannot be loaded: {error}.") from error
        if not isinstance(command, click.Command):
            raise UsageError(
                f"the subcommand {cmd_name!r} cannot be loaded: {spec.target} is not a click command."
            )
        use_help_format(command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, spec.summary) for name, spec in sorted(self._specs(ctx).items())])


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--plugin",
    "modules",
    multiple=True,
    is_eager=True,
    metavar="MODULE|FILE.py",
    help="Also load this module or file as a plugin; may be repeated.",
)
@click.option(
    "--no-plugins", is_flag=True, is_eager=True, help="Load no installed plugins, not even the built-in ones."
)
@click.option("-v", "--verbose", is_flag=True, help="Show the traceback of errors.")
@click.version_option(__version__, prog_name="gath-bench")
@click.pass_context
def cli(ctx: click.Context, modules: tuple[str, ...], no_plugins: bool, verbose: bool) -> None:
    """Benchmark AU-controlled portrait animation.

    A model gets one portrait and action unit (AU) coefficients, and generates the same person with that expression.
    `gath-bench run` measures the built-in models on the built-in data and needs no network.
    `gath-bench COMMAND --help` describes a command.

    \b
    Examples:
      gath-bench run
      gath-bench animate astronaut --aus 6C+12D -o smile.png
      gath-bench list models
      gath-bench --plugin my_plugin.py run -m my-model
    """
    _context(ctx)


def _show_warning(message: Warning | str, category: type[Warning], *where: Any) -> None:
    """Plugin warnings are one line; other warnings show their origin."""
    if issubclass(category, PluginWarning):
        echo(f"warning: {plain_text(str(message))}", err=True)
    else:
        _show_python_warning(message, category, *where)


def main() -> NoReturn:
    """The console script: exit code 2 with one sentence for a usage or configuration error."""
    warnings.simplefilter("always", PluginWarning)
    warnings.showwarning = _show_warning  # type: ignore[assignment]
    for stream in (sys.stdout, sys.stderr):
        if isinstance(
            stream, io.TextIOWrapper
        ):  # terminals that cannot encode a character show a question mark
            stream.reconfigure(errors="replace")
    verbose = bool({"-v", "--verbose"} & set(sys.argv[1:]))
    try:
        sys.exit(cli.main(prog_name="gath-bench", standalone_mode=False) or 0)
    except UsageError as error:
        if verbose:
            raise
        echo(f"gath-bench: {plain_text(str(error), 10_000)}", err=True)
        sys.exit(2)
    except click.exceptions.Exit as error:
        sys.exit(error.exit_code)
    except click.Abort:
        click.echo("gath-bench: interrupted; continue a run with `gath-bench run --resume RUN`.", err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except Exception as error:
        if verbose:
            raise
        # Of any path on the command line.
        if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
            click.echo(f"gath-bench: {error.strerror}: {str(error.filename)[:80]}...", err=True)
            sys.exit(2)
        arguments = " ".join(sys.argv[1:])
        click.echo(
            f"gath-bench: unexpected {describe_error(error)}; `gath-bench -v {arguments}` shows the traceback.",
            err=True,
        )
        sys.exit(1)
