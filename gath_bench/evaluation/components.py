"""Components by name or as instances."""

from __future__ import annotations

import re
import shlex
import weakref
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from gath_bench.contracts.dataset import DatasetAdapter
from gath_bench.contracts.keys import ComponentName
from gath_bench.contracts.metric import Metric, SystemMetric
from gath_bench.contracts.model import AnimationModel
from gath_bench.contracts.specs import KINDS, ComponentSpec, DatasetSpec, Kind, MetricSpec, ModelSpec, is_name
from gath_bench.errors import UsageError, did_you_mean
from gath_bench.plugins import Plugins, PluginSources, is_file, load_plugins
from gath_bench.registry import Component, Registry, active_registry
from gath_bench.results.manifest import Manifest

_SPECS: dict[Kind, type[ComponentSpec]] = {"model": ModelSpec, "dataset": DatasetSpec, "metric": MetricSpec}
#: ``id`` of an instance that was loaded by name -> the instance and its component.
_LOADED: dict[int, tuple[weakref.ref[Any], Component]] = {}


@dataclass(frozen=True)
class ComponentInfo:
    """A registered component.

    Attributes:
        kind: its kind.
        name: its name.
        version: its version.
        plugin: the plugin that registered it; empty for a name that several plugins registered.
        status: ``"ok"``, ``"unavailable"`` (a package or weights file is missing) or ``"collision"`` (registered
            several times).
        summary: one line, or what is wrong.
        description: one line, whatever the status.
        weights: ``"found"``, ``"missing"`` or ``"damaged"``; empty for a component that needs no weights file.
    """

    kind: Kind
    name: str
    version: str
    plugin: str
    status: str
    summary: str
    description: str = ""
    weights: str = ""


@cache
def installed_plugins() -> Plugins:
    """The plugins of all installed distributions, loaded once per process."""
    return load_plugins()


def missing_plugins(folder: Path, manifest: Manifest, plugins: Plugins | PluginSources, *words: str) -> str:
    """A sentence that names the ``--plugin`` options of a run's command that are missing now; empty if none is.

    Args:
        folder: the run folder.
        manifest: its manifest.
        plugins: the plugins that are loaded, or where they come from.
        words: the subcommand that needs them, with the options before the folder.
    """
    known = set(plugins.sources.modules if isinstance(plugins, Plugins) else plugins.modules)
    loaded = {plugin.name for plugin in plugins.loaded} if isinstance(plugins, Plugins) else set[str]()
    loaded |= {_plugin_name(module) for module in known}
    missing = [module for module in manifest.plugin_options if _plugin_name(module) not in loaded]
    if not missing:
        return ""
    options = " ".join(f"--plugin {shlex.quote(module)}" for module in missing)
    command = " ".join([*words, shlex.quote(str(folder))])
    return (
        f"{folder} was measured with {options}, which is not loaded: write `gath-bench {options} {command}`."
    )


def _plugin_name(module: str) -> str:
    """The name of a plugin that ``--plugin`` loads."""
    return Path(module).stem if is_file(module) else module


def load(kind: Kind, name: str, registry: Registry) -> Any:
    """Create a component by name. ``evaluate`` recognises the instance as that component."""
    component = registry.make(kind, name)
    with suppress(TypeError):  # an instance that does not support weak references is treated as unnamed
        _LOADED[id(component.instance)] = weakref.ref(component.instance), component
    return component.instance


def load_component(kind: Kind, name: str) -> Any:
    """Create a component of any kind by name.

    A component that uses another (a data set with a face detector) calls it in its constructor, and gets the other
    from the plugins that it comes from itself.

    Raises:
        UsageError: an unknown name or parameter, or a missing package.
    """
    return load(kind, name, active_registry() or Registry.of(installed_plugins()))


def load_model(name: str) -> AnimationModel:
    """Create a model by name, such as ``"gath-warp"`` or ``"precomputed[root=images]"``.

    Raises:
        UsageError: an unknown name or parameter, or a missing package.
    """
    model: AnimationModel = load("model", name, Registry.of(installed_plugins()))
    return model


def load_dataset(name: str) -> DatasetAdapter:
    """Create a data set by name, such as ``"synthfaces[resolution=64]"``.

    Raises:
        UsageError: an unknown name or parameter, or a missing package.
    """
    dataset: DatasetAdapter = load("dataset", name, Registry.of(installed_plugins()))
    return dataset


def load_metric(name: str) -> Metric | SystemMetric:
    """Create a metric by name, such as ``"lpips[trunk=alex]"``.

    Raises:
        UsageError: an unknown name or parameter, or a missing package.
    """
    metric: Metric | SystemMetric = load("metric", name, Registry.of(installed_plugins()))
    return metric


def list_components(kind: Kind | None = None, *, plugins: Plugins | None = None) -> list[ComponentInfo]:
    """The registered components, sorted by kind and name.

    Args:
        kind: ``"model"``, ``"dataset"``, ``"metric"``, ``"au_estimator"``, ``"identity_encoder"`` or
            ``"perceptual_trunk"``; None lists all.
        plugins: the plugins to list; None lists the installed ones.

    Raises:
        UsageError: an unknown kind.
    """
    if kind is not None and kind not in KINDS:
        raise UsageError(f"there is no component kind {kind!r}: {did_you_mean(kind, KINDS)}")
    registry = Registry.of(plugins or installed_plugins())
    return [item for one in ([kind] if kind else KINDS) for item in _listed(registry, one)]


def _listed(registry: Registry, kind: Kind) -> Iterator[ComponentInfo]:
    for name, entry in sorted(registry.entries[kind].items()):
        missing = registry.unavailable(entry.spec)
        yield ComponentInfo(
            kind,
            name,
            str(entry.spec.version),
            entry.plugin.name,
            "unavailable" if missing else "ok",
            missing or entry.spec.summary,
            entry.spec.summary,
            registry.weights_status(entry.spec),
        )
    for (collision_kind, name), entries in sorted(registry.collisions.items()):
        if collision_kind == kind:
            sources = " and ".join(entry.plugin.source for entry in entries)
            yield ComponentInfo(kind, name, "", "", "collision", f"registered by {sources}")


class Selection:
    """Models, data sets and metrics that were given by name or as instances.

    Attributes:
        created: instances by kind and name: both unregistered ones and those that were loaded by name.
        unregistered: the names in ``created`` that ``verify`` cannot create again.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self.created: dict[tuple[Kind, str], Component] = {}
        self.unregistered: list[str] = []

    def names(self, kind: Kind, items: Sequence[Any] | Any | None) -> tuple[str, ...] | None:
        """The names of one kind of components; None for None, the suite's own."""
        if items is None:
            return None
        if isinstance(items, str) or not isinstance(items, Sequence):
            items = [items]
        given = [item for item in items if isinstance(item, str)]
        return tuple(item if isinstance(item, str) else self._add(kind, item, given) for item in items)

    def _add(self, kind: Kind, instance: Any, taken: Sequence[str]) -> str:
        loaded, component = _LOADED.get(id(instance), (None, None))
        if loaded is not None and component is not None and loaded() is instance:
            name = str(component.name)
            self.created[kind, name] = component
            return name
        name = self._free_name(kind, instance, taken)
        spec = _SPECS[kind](name, type(instance), "an instance")
        self.created[kind, name] = Component(spec, ComponentName(name), {}, instance)
        self.unregistered.append(name)
        return name

    def _free_name(self, kind: Kind, instance: Any, taken: Sequence[str]) -> str:
        """The instance's ``name``, or its class name; changed if a registered component has that name."""
        own = getattr(instance, "name", None)
        base = own if isinstance(own, str) and is_name(own) else component_name(type(instance).__name__)
        if base in self._registry.entries[kind]:
            base = f"{base}-instance"
        name, number = base, 2
        while (kind, name) in self.created or name in taken:
            name, number = f"{base}-{number}", number + 1
        return name


def component_name(class_name: str) -> str:
    """A class name as a component name.

    >>> component_name("MyWarpModel"), component_name("GATHv2"), component_name("_Édit")
    ('my-warp-model', 'gat-hv2', 'dit')
    """
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", class_name)
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-") or "unnamed"
