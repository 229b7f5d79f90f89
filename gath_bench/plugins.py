"""Finds plugins and loads each in isolation: a broken one is a warning and a `failed` row, never a crash."""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from typing import Any

import pluggy

from gath_bench import hookspecs
from gath_bench.contracts.keys import is_name
from gath_bench.contracts.specs import (
    AUEstimatorSpec,
    CommandSpec,
    ComponentSpec,
    DatasetSpec,
    FaceDetectorSpec,
    IdentityEncoderSpec,
    MetricSpec,
    ModelSpec,
    PerceptualTrunkSpec,
)
from gath_bench.errors import UsageError, did_you_mean
from gath_bench.hookspecs import GROUP

#: Registration hook -> the type of spec that it must return.
REGISTRATIONS: dict[str, type[ComponentSpec] | type[CommandSpec]] = {
    "gath_bench_models": ModelSpec,
    "gath_bench_datasets": DatasetSpec,
    "gath_bench_metrics": MetricSpec,
    "gath_bench_au_estimators": AUEstimatorSpec,
    "gath_bench_identity_encoders": IdentityEncoderSpec,
    "gath_bench_perceptual_trunks": PerceptualTrunkSpec,
    "gath_bench_face_detectors": FaceDetectorSpec,
    "gath_bench_commands": CommandSpec,
}
_HOOKS = frozenset(name for name in dir(hookspecs) if name.startswith("gath_bench_"))


class PluginWarning(UserWarning):
    """A plugin could not be used; everything else works."""


@dataclass(frozen=True)
class LoadedPlugin:
    """One plugin, loaded or failed.

    Attributes:
        name: entry-point name or module name.
        distribution: the distribution that brings it, or ``--plugin`` for a module named by hand.
        version: the distribution's version, empty if unknown.
        error: why it failed, or None.
        components: the specs that it registered.
        commands: the subcommands that it registered.
    """

    name: str
    distribution: str
    version: str = ""
    error: str | None = None
    components: tuple[ComponentSpec, ...] = ()
    commands: tuple[CommandSpec, ...] = ()

    @property
    def source(self) -> str:
        """How messages name it: plugin and distribution."""
        return f"plugin {self.name!r} of {self.distribution}"


@dataclass
class Plugins:
    """All plugins of this process: what they registered, and the manager that calls their life-cycle hooks."""

    manager: pluggy.PluginManager
    loaded: list[LoadedPlugin] = field(default_factory=list)

    def notify(self, hook: str, **arguments: Any) -> None:
        """Call a life-cycle hook on every plugin, each in isolation: a listener cannot break a run."""
        for caller in getattr(self.manager.hook, hook).get_hookimpls():
            try:
                caller.function(*(arguments[name] for name in caller.argnames))
            except Exception as error:
                _warn(f"{caller.plugin_name}: its hook {hook} failed ({_reason(error)}); the run goes on.")


def load_plugins(modules: Iterable[str] = (), *, entry_point_group: str | None = GROUP) -> Plugins:
    """Load plugins from entry points, then from modules named by hand.

    Args:
        modules: importable module names (``--plugin``).
        entry_point_group: the group to read; None reads none (``--no-plugins``).

    Raises:
        UsageError: a module named by hand cannot be used: the user asked for exactly that one.
    """
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(hookspecs)
    plugins = Plugins(manager)
    found = sorted(entry_points(group=entry_point_group), key=lambda e: e.name) if entry_point_group else []
    for point in found:
        distribution = point.dist.name if point.dist else "an unknown distribution"
        version = point.dist.version if point.dist else ""
        plugin = _load(manager, point.name, distribution, version, point.load)
        if plugin.error is not None:
            _warn(f"{plugin.source} is left out: {plugin.error}; everything else works.")
        plugins.loaded.append(plugin)
    for module in modules:
        plugin = _load(manager, module, "--plugin", "", lambda name=module: _import_by_name(name))
        if plugin.error is not None:
            raise UsageError(f"--plugin {module} cannot be used: {plugin.error}.")
        plugins.loaded.append(plugin)
    return plugins


def _load(
    manager: pluggy.PluginManager, name: str, distribution: str, version: str, load: Any
) -> LoadedPlugin:
    try:
        plugin = load()
        hooks = _implemented(plugin)
        if not hooks:
            raise UsageError("it implements no hook; mark its functions with @gath_bench.hookimpl")
        unknown = [hook for hook in hooks if hook not in _HOOKS]
        if unknown:
            raise UsageError(
                f"it implements the unknown hook {unknown[0]!r} ({did_you_mean(unknown[0], _HOOKS)})"
            )
        if manager.is_registered(plugin):
            return LoadedPlugin(name, distribution, version)
        specs = _collect(plugin)
        manager.register(plugin, name=f"{distribution}:{name}")
        manager.check_pending()
    except (Exception, SystemExit) as error:
        _forget(manager, f"{distribution}:{name}")
        return LoadedPlugin(name, distribution, version, error=_reason(error))
    return LoadedPlugin(
        name,
        distribution,
        version,
        components=tuple(spec for spec in specs if isinstance(spec, ComponentSpec)),
        commands=tuple(spec for spec in specs if isinstance(spec, CommandSpec)),
    )


def _import_by_name(name: str) -> Any:
    # The folder where the user stands is where the module named by hand usually lies.
    if "" not in sys.path:
        sys.path.insert(0, "")
    return importlib.import_module(name)


def _implemented(plugin: Any) -> list[str]:
    marker = f"{GROUP}_impl"
    return [name for name in dir(plugin) if getattr(getattr(plugin, name, None), marker, None) is not None]


def _collect(plugin: Any) -> list[ComponentSpec | CommandSpec]:
    specs: list[ComponentSpec | CommandSpec] = []
    for hook in _implemented(plugin):
        wanted = REGISTRATIONS.get(hook)
        if wanted is None:
            continue
        returned = getattr(plugin, hook)()
        try:
            items = list(returned)
        except TypeError:
            raise UsageError(f"{hook} must return a list of {wanted.__name__}, not {returned!r}") from None
        for item in items:
            if not isinstance(item, wanted):
                raise UsageError(f"{hook} must return a list of {wanted.__name__}, but it holds {item!r}")
            if not is_name(item.name):
                raise UsageError(f"{hook} names {item.name!r}; a name is lower-case words joined by hyphens")
        specs += items
    return specs


def _forget(manager: pluggy.PluginManager, name: str) -> None:
    if manager.has_plugin(name):
        manager.unregister(name=name)


def _reason(error: BaseException) -> str:
    text = " ".join(str(error).split())
    if isinstance(error, UsageError):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _warn(message: str) -> None:
    warnings.warn(message, PluginWarning, stacklevel=3)
