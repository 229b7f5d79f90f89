"""The global options, with plugins and registry loaded once, on first use; also what plugins' commands get."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import click

from gath_bench.cli.output import stdout_to_stderr
from gath_bench.hookspecs import GROUP
from gath_bench.plugins import Plugins, PluginSources

if TYPE_CHECKING:
    from gath_bench.contracts.command import LoadedComponent, LoadedEvaluators
    from gath_bench.contracts.metric import RoleRequest
    from gath_bench.contracts.model import AnimationModel
    from gath_bench.contracts.specs import Kind
    from gath_bench.registry import Component, Registry


@dataclass
class Context:
    """The global options and the plugins they select (implements the ``CommandContext`` contract).

    Attributes:
        modules: ``--plugin``.
        use_entry_points: false under ``--no-plugins``.
        verbose: ``-v``.
    """

    modules: tuple[str, ...] = ()
    use_entry_points: bool = True
    verbose: bool = False

    @property
    def sources(self) -> PluginSources:
        """Where the plugins come from, before any is loaded."""
        return PluginSources(tuple(self.modules), GROUP if self.use_entry_points else None)

    @cached_property
    def plugins(self) -> Plugins:
        with stdout_to_stderr():
            return self.sources.load()

    @cached_property
    def registry(self) -> Registry:
        from gath_bench.registry import Registry

        return Registry.of(self.plugins)

    def names(self, kind: Kind) -> tuple[str, ...]:
        return tuple(sorted(self.registry.entries[kind]))

    def make(self, kind: Kind, name: str) -> Any:
        from gath_bench.evaluation.components import load

        return load(kind, name, self.registry)

    def load(self, kind: Kind, name: str) -> LoadedComponent:
        from gath_bench.contracts.command import LoadedComponent

        component = self.registry.make(kind, name)
        return LoadedComponent(str(component.name), _key(component), component.instance)

    def evaluators(self, requests: Sequence[RoleRequest], *, domain: str, device: str) -> LoadedEvaluators:
        from gath_bench.evaluators import EvaluatorPool, RequestedEvaluators

        return RequestedEvaluators.load(EvaluatorPool(self.registry.make, device), requests, domain=domain)

    def resolve_device(self, name: str) -> str:
        from gath_bench.engine.device import resolve_device

        return resolve_device(name)

    def evaluate(
        self,
        model: AnimationModel,
        *,
        dataset: str,
        metrics: Sequence[str],
        split: str = "val",
        protocol: str = "same-subject",
        limit: int | None = None,
        device: str = "cpu",
    ) -> Mapping[str, float]:
        from gath_bench.evaluation.run import evaluate
        from gath_bench.suite import make_suite

        suite = make_suite(
            {
                "metrics": metrics,
                "split": split,
                "datasets": [{"name": dataset, "protocols": [protocol], "limit": limit}],
                "references": None,
            }
        )
        return evaluate(
            models=[model], suite=suite, device=device, images=False, plugins=self.plugins
        ).values()


def _key(component: Component) -> str:
    """Metrics have no fingerprint: their key ends with the version."""
    info = getattr(component.instance, "info", None)
    described = component.instance if component.spec.kind == "dataset" else info
    return str(component.key(str(getattr(described, "fingerprint", ""))))


pass_context = click.make_pass_decorator(Context)
