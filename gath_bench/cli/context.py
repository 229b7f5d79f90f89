"""What the global options made: plugins and registry, loaded once, on first use."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import click

from gath_bench.hookspecs import GROUP
from gath_bench.plugins import Plugins, load_plugins
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

    @cached_property
    def plugins(self) -> Plugins:
        return load_plugins(self.modules, entry_point_group=GROUP if self.use_entry_points else None)

    @cached_property
    def registry(self) -> Registry:
        return Registry.of(self.plugins)


pass_context = click.make_pass_decorator(Context)
