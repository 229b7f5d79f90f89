"""The global options, with plugins and registry loaded once, on first use; also what plugins' commands get."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from gath_bench.contracts.command import LoadedComponent, LoadedEvaluators
from gath_bench.contracts.metric import RoleRequest
from gath_bench.contracts.model import AnimationModel
from gath_bench.contracts.specs import Kind
from gath_bench.errors import UsageError
from gath_bench.hookspecs import GROUP
from gath_bench.plugins import Plugins, PluginWarning, load_plugins
from gath_bench.registry import Component, Registry


@dataclass
class Context:
    """The global options, and what follows from them (implements the ``CommandContext`` contract).

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

    def names(self, kind: Kind) -> tuple[str, ...]:
        return tuple(sorted(self.registry.entries[kind]))

    def make(self, kind: Kind, name: str) -> Any:
        return self.registry.make(kind, name).instance

    def load(self, kind: Kind, name: str) -> LoadedComponent:
        component = self.registry.make(kind, name)
        return LoadedComponent(str(component.name), _key(component), component.instance)

    def evaluators(self, requests: Sequence[RoleRequest], *, domain: str, device: str) -> LoadedEvaluators:
        from gath_bench.engine.requested_evaluators import RequestedEvaluators

        return RequestedEvaluators.load(self.registry, requests, domain=domain, device=device)

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
        from gath_bench import results
        from gath_bench.analysis import summarise
        from gath_bench.engine.live import measure_live
        from gath_bench.suite import one_dataset_suite

        suite = one_dataset_suite(dataset, protocol, tuple(metrics), split=split, limit=limit)
        with TemporaryDirectory(prefix="gath-bench-") as folder:
            path = measure_live(model, suite, self.registry, device, Path(folder) / "run")
            run = results.load(path)
            rows = [row for row in summarise(run.manifest, run.rows) if row.au is None]
        found: dict[str, float] = {}
        for row in rows:
            if row.status == "failed":
                warnings.warn(f"{row.metric} failed: {row.reason}", PluginWarning, stacklevel=2)
            if row.value is None:
                continue
            if row.metric in found:
                raise UsageError(
                    f"two of the metrics {', '.join(metrics)} give {row.metric}: name one of them."
                )
            found[row.metric] = row.value
        return found


def _key(component: Component) -> str:
    """Metrics have no fingerprint: their key ends with the version."""
    info = getattr(component.instance, "info", None)
    described = component.instance if component.spec.kind == "dataset" else info
    return str(component.key(str(getattr(described, "fingerprint", ""))))


pass_context = click.make_pass_decorator(Context)
