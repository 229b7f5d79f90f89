"""What the global options made: plugins and registry, loaded once, on first use."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from functools import cached_property

import click

from gath_bench.hookspecs import GROUP
from gath_bench.plugins import Plugins, PluginWarning, load_plugins
from gath_bench.registry import Registry


@dataclass
class Context:
    """The global options, and what follows from them.

    Attributes:
        modules: ``--plugin``.
        use_entry_points: false under ``--no-plugins``.
        verbose: ``-v``.
    """

    modules: tuple[str, ...] = ()
    use_entry_points: bool = True
    verbose: bool = False
    _told: list[str] = field(default_factory=list)

    @cached_property
    def plugins(self) -> Plugins:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", PluginWarning)
            loaded = load_plugins(self.modules, entry_point_group=GROUP if self.use_entry_points else None)
        for warning in caught:
            if issubclass(warning.category, PluginWarning):
                click.echo(f"warning: {warning.message}", err=True)
        return loaded

    @cached_property
    def registry(self) -> Registry:
        return Registry.of(self.plugins)


pass_context = click.make_pass_decorator(Context)
