"""Creates components by name: name collisions, suggestions, lazy imports, validated parameters."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import shutil
import typing
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from gath_bench.component_calls import component_call
from gath_bench.contracts.keys import ComponentKey, ComponentName
from gath_bench.contracts.specs import KINDS, ComponentSpec, Kind, WeightsSpec
from gath_bench.errors import UsageError, describe_error, did_you_mean
from gath_bench.plugins import LoadedPlugin, Plugins
from gath_bench.weights import find_weights, weights_problem

#: What messages call the kinds.
KIND_NAMES: dict[Kind, str] = {
    "model": "model",
    "dataset": "data set",
    "metric": "metric",
    "au_estimator": "AU estimator",
    "identity_encoder": "identity encoder",
    "perceptual_trunk": "perceptual trunk",
    "face_detector": "face detector",
}
#: What ``gath-bench list`` takes for each kind.
LIST_ARGUMENTS: dict[Kind, str] = {
    "model": "models",
    "dataset": "datasets",
    "metric": "metrics",
    "au_estimator": "estimators",
    "identity_encoder": "encoders",
    "perceptual_trunk": "trunks",
    "face_detector": "detectors",
}


class MissingParameter(UsageError):
    """A component has a parameter without a default, and none was given."""


#: The registry that is creating a component, for components that use others.
_ACTIVE: ContextVar[Registry | None] = ContextVar("active registry", default=None)


def active_registry() -> Registry | None:
    """The registry that is creating a component right now; None outside of ``Registry.make``."""
    return _ACTIVE.get()


@dataclass(frozen=True)
class Component:
    """A component that was created.

    Attributes:
        spec: its registration.
        name: as the user wrote it.
        params: all its parameters with their values, defaults included. Paths are left out: the content of a path is
            in the hash, and a path would give equal components different keys.
        instance: the object.
    """

    spec: ComponentSpec
    name: ComponentName
    params: Mapping[str, str]
    instance: Any

    @cached_property
    def info(self) -> Any:
        """What the component says of itself, read once: a later reading could raise or differ."""
        with component_call():
            return self.instance.info

    def key(self, hash: str = "", **more: str) -> ComponentKey:
        """Its key: name, parameters (and ``more``), version and hash."""
        return ComponentKey(self.spec.name, {**self.params, **more}, self.spec.version, hash)


@dataclass(frozen=True)
class Entry:
    """A spec and the plugin that registered it."""

    spec: ComponentSpec
    plugin: LoadedPlugin


@dataclass
class Registry:
    """All components of this process by kind and name."""

    entries: dict[Kind, dict[str, Entry]] = field(default_factory=lambda: {kind: {} for kind in KINDS})
    collisions: dict[tuple[Kind, str], list[Entry]] = field(default_factory=dict)

    @classmethod
    def of(cls, plugins: Plugins) -> Registry:
        """Index the plugins' components. A name that two plugins register is not usable."""
        registry = cls()
        for plugin in plugins.loaded:
            for spec in plugin.components:
                registry._add(Entry(spec, plugin))
        return registry

    def _add(self, entry: Entry) -> None:
        kind, name = entry.spec.kind, entry.spec.name
        if (kind, name) in self.collisions:
            self.collisions[kind, name].append(entry)
        elif name in self.entries[kind]:
            self.collisions[kind, name] = [self.entries[kind].pop(name), entry]
        else:
            self.entries[kind][name] = entry

    def find(self, kind: Kind, name: str) -> Entry:
        """The entry of a name.

        Raises:
            UsageError: no component has that name, or several have.
        """
        rivals = self.collisions.get((kind, name))
        if rivals:
            sources = " and ".join(rival.plugin.source for rival in rivals)
            raise UsageError(
                f"the {KIND_NAMES[kind]} {name!r} is registered {len(rivals)} times, by {sources}; "
                "uninstall or rename all but one."
            )
        if name not in self.entries[kind]:
            raise UsageError(
                f"there is no {KIND_NAMES[kind]} {name!r}: {did_you_mean(name, self.entries[kind])} "
                f"`gath-bench list {LIST_ARGUMENTS[kind]}` shows them."
            )
        return self.entries[kind][name]

    def missing(self, spec: ComponentSpec) -> str | None:
        """The first missing package of a component, with the command that installs it; None if all are installed."""
        for package in spec.requires:
            if not _is_installed(package):
                install = (
                    f"pip install 'gath-bench[{spec.extra}]'" if spec.extra else f"pip install {package}"
                )
                return f"needs the package {package!r}: {install}"
        return None

    def unavailable(self, spec: ComponentSpec) -> str | None:
        """Why a component cannot be used without parameters: a missing package, weights file or program."""
        if problem := self.missing(spec):
            return problem
        for weights in spec.weights:
            if problem := weights_problem(weights):
                return problem
        for program in spec.programs:
            if shutil.which(program) is None:
                return f"needs the program {program} on the PATH, or as a parameter"
        return None

    def weights_status(self, spec: ComponentSpec) -> str:
        """``found``, ``missing`` or ``damaged``; empty for a component that needs no weights file."""
        if not spec.weights:
            return ""
        if any(find_weights(weights) is None for weights in spec.weights):
            return "missing"
        return "damaged" if any(weights_problem(weights) for weights in spec.weights) else "found"

    def weights(self) -> dict[str, tuple[WeightsSpec, list[str]]]:
        """All known weights files by name, each with the components that use it."""
        known: dict[str, tuple[WeightsSpec, list[str]]] = {}
        for kind in KINDS:
            for name, entry in sorted(self.entries[kind].items()):
                for weights in entry.spec.weights:
                    known.setdefault(weights.name, (weights, []))[1].append(f"{KIND_NAMES[kind]} {name}")
        return dict(sorted(known.items()))

    def make(self, kind: Kind, name: str | ComponentName) -> Component:
        """Import a component's code, validate its parameters and create it.

        Raises:
            UsageError: unknown name or parameter, a value of the wrong type, a missing package, or an
                error of the component itself.
        """
        wanted = ComponentName.parse(name) if isinstance(name, str) else name
        spec = self.find(kind, wanted.name).spec
        lacking = self.missing(spec)
        if lacking:
            raise UsageError(f"the {KIND_NAMES[kind]} {spec.name!r} {lacking}.")
        factory = _load(spec)
        values = _validate(spec, factory, wanted.params)
        active = _ACTIVE.set(self)
        try:
            with component_call():
                instance = factory(**values)
        except UsageError as error:
            raise UsageError(f"{wanted}: {error}") from error
        except Exception as error:
            raise UsageError(
                f"the {KIND_NAMES[kind]} {wanted} cannot be created: {describe_error(error).rstrip('.')}."
            ) from error
        finally:
            _ACTIVE.reset(active)
        shown = {name: _show(value) for name, value in values.items() if not _is_path(value)}
        return Component(spec, wanted, shown, instance)


def _load(spec: ComponentSpec) -> Any:
    try:
        factory = spec.factory
        if isinstance(factory, str):
            module, _, attribute = factory.partition(":")
            with component_call():
                factory = getattr(importlib.import_module(module), attribute)
        if not callable(factory):
            raise TypeError(f"its factory {factory!r} cannot be called")
        return factory
    except Exception as error:
        raise UsageError(
            f"the {KIND_NAMES[spec.kind]} {spec.name!r} cannot be loaded: {describe_error(error).rstrip('.')}."
        ) from error


def _is_installed(package: str) -> bool:
    try:
        return importlib.util.find_spec(package) is not None
    except (ImportError, ValueError):  # the parent of a submodule is missing
        return False


def _validate(spec: ComponentSpec, factory: Any, given: Mapping[str, str]) -> dict[str, Any]:
    from pydantic import ConfigDict, TypeAdapter, ValidationError

    known = {
        parameter.name: parameter
        for parameter in inspect.signature(factory).parameters.values()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    }
    for name in given:
        if name not in known:
            raise UsageError(f"{spec.name} has no parameter {name!r}: {did_you_mean(name, known)}")
    try:
        hints = typing.get_type_hints(factory.__init__ if inspect.isclass(factory) else factory)
    except Exception as error:  # an annotation that exists for type checkers only
        raise UsageError(
            f"the annotations of {spec.name} cannot be read: {describe_error(error).rstrip('.')}."
        ) from error
    values = {}
    for name, parameter in known.items():
        if name not in given and parameter.default is inspect.Parameter.empty:
            raise MissingParameter(
                f"{spec.name} needs the parameter {name!r}: write '{spec.name}[{name}=...]'."
            )
        # Defaults are validated too: `sigma: float = 2` and a typed `sigma=2` must give one key.
        value = given.get(name, parameter.default)
        try:
            hint = hints.get(name, str if name in given else Any)
            adapter = TypeAdapter(hint, config=ConfigDict(arbitrary_types_allowed=True))
            values[name] = adapter.validate_python(value)
        except ValidationError as error:
            problem = error.errors()[0]["msg"]
            raise UsageError(f"{spec.name}[{name}={value}] is not valid: {problem}.") from error
    return values


def _is_path(value: Any) -> bool:
    return isinstance(value, Path) or value is None


def _show(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple | list):
        return "+".join(map(str, value))
    return str(value)
