"""Finds plugins and loads each in isolation: a broken plugin is a warning and is listed as failed."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import keyword
import sys
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from importlib.metadata import Distribution, entry_points
from pathlib import Path
from typing import Any

import pluggy

from gath_bench import hookspecs
from gath_bench.component_calls import component_call
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
    is_name,
)
from gath_bench.errors import UsageError, describe_error, did_you_mean
from gath_bench.hook_guards import (
    GuardedPlugin,
    Implementation,
    check_listener,
    check_registration_hook,
    implementations,
)
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
    """A plugin, or one of its listeners, failed; the rest is not affected."""


@dataclass(frozen=True)
class LoadedPlugin:
    """One plugin, loaded or failed.

    Attributes:
        name: entry-point name or module name.
        distribution: the distribution that provides it, or ``--plugin`` for a module given on the command line.
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


@dataclass(frozen=True)
class PluginSources:
    """Where plugins come from, before any is imported.

    Attributes:
        modules: importable module names (``--plugin``).
        entry_point_group: the entry-point group to read; None reads none (``--no-plugins``).
    """

    modules: tuple[str, ...] = ()
    entry_point_group: str | None = GROUP

    def load(self) -> Plugins:
        """Load them; see `load_plugins`."""
        return load_plugins(self.modules, entry_point_group=self.entry_point_group)


@dataclass
class Plugins:
    """All plugins of this process: what they registered, and pluggy's manager, which calls the life-cycle hooks."""

    manager: pluggy.PluginManager
    sources: PluginSources = PluginSources()
    loaded: list[LoadedPlugin] = field(default_factory=list)

    def notify(self, hook: str, **arguments: Any) -> None:
        """Call a life-cycle hook on all plugins, in pluggy's order and with its wrappers.

        An exception in one listener is a warning; the other listeners are still called.
        """
        getattr(self.manager.hook, hook)(**arguments)


def load_plugins(modules: Iterable[str] = (), *, entry_point_group: str | None = GROUP) -> Plugins:
    """Load plugins from entry points, then the modules given on the command line.

    Args:
        modules: importable module names, or paths of Python files (``--plugin``).
        entry_point_group: the entry-point group to read; None reads none (``--no-plugins``).

    Raises:
        UsageError: a module of ``modules`` cannot be used. A broken entry point is only a warning.
    """
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(hookspecs)
    modules = tuple(modules)
    plugins = Plugins(manager, PluginSources(modules, entry_point_group))
    found = sorted(entry_points(group=entry_point_group), key=lambda e: e.name) if entry_point_group else []
    described: dict[int, tuple[str, str]] = {}  # a distribution parses its metadata on every access
    for point in found:
        if id(point.dist) not in described:
            described[id(point.dist)] = _described(point.dist)
        distribution, version = described[id(point.dist)]
        plugin = _load(manager, point.name, distribution, version, point.load)
        if plugin.error is not None:
            _warn(f"{plugin.source} is left out: {plugin.error}; everything else works.")
        plugins.loaded.append(plugin)
    for module in modules:
        name = module
        load: Callable[[], Any] = functools.partial(_import_by_name, module)
        if is_file(module):
            path = Path(module).expanduser()
            name, load = path.stem, functools.partial(_import_file, path)
        plugin = _load(manager, name, "--plugin", "", load)
        if plugin.error is not None:
            raise UsageError(f"--plugin {module} cannot be used: {plugin.error}.")
        plugins.loaded.append(plugin)
    return plugins


def _load(
    manager: pluggy.PluginManager, name: str, distribution: str, version: str, load: Any
) -> LoadedPlugin:
    try:
        with component_call(f"plugin {name}"):
            plugin = load()
            found = list(implementations(manager, plugin))
            _check(found)
            if any(
                isinstance(other, GuardedPlugin) and other.plugin is plugin for other in manager.get_plugins()
            ):
                return LoadedPlugin(name, distribution, version)
            specs = _collect(found)
        source = f"{distribution}:{name}"
        manager.register(GuardedPlugin(plugin, found, functools.partial(_warn_listener, source)), name=source)
        manager.check_pending()
    except Exception as error:
        _forget(manager, f"{distribution}:{name}")
        return LoadedPlugin(name, distribution, version, error=describe_error(error))
    return LoadedPlugin(
        name,
        distribution,
        version,
        components=tuple(spec for spec in specs if isinstance(spec, ComponentSpec)),
        commands=tuple(spec for spec in specs if isinstance(spec, CommandSpec)),
    )


def _described(distribution: Distribution | None) -> tuple[str, str]:
    """The name and the version of a distribution."""
    if distribution is None:
        return "an unknown distribution", ""
    return distribution.name, distribution.version


def _import_by_name(name: str) -> Any:
    # The module usually lies in the current folder, which a console script does not have on its path.
    if "" not in sys.path:
        sys.path.insert(0, "")
    return importlib.import_module(name)


def is_file(module: str) -> bool:
    """Whether ``--plugin`` names a file instead of a module: ``plugins/mine.py``, not ``mine``.

    >>> is_file("mine.py"), is_file("my_package.mine")
    (True, False)
    """
    return module.endswith(".py") or "/" in module or "\\" in module


def _import_file(path: Path) -> Any:
    """Import a Python file as the module of its name; modules beside it can be imported by it.

    Raises:
        UsageError: there is no such file, its name is not a module name, or another module has that name.
    """
    name, path = path.stem, path.resolve()
    if not path.is_file():
        raise UsageError(f"there is no file {path.name} in {path.parent}")
    if not name.isidentifier() or keyword.iskeyword(name):
        raise UsageError(
            f"{path.name} is not the name of a Python module: use letters, digits and underscores"
        )
    known = sys.modules.get(name)
    if known is not None:
        if Path(getattr(known, "__file__", None) or "").resolve() == path:
            return known
        raise UsageError(f"a module {name!r} is already imported from elsewhere: rename {path.name}")
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{path.name} is not a Python file: give a .py file")
    module = importlib.util.module_from_spec(spec)
    # Before it runs: its specs name it as "module:Class", and dataclasses look it up.
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _check(found: list[Implementation]) -> None:
    """Refuse, in one sentence, what a plugin implements and gath-bench does not support."""
    if not found:
        raise UsageError("it implements no hook; mark its functions with @gath_bench.hookimpl")
    for item in found:
        if item.hook in REGISTRATIONS:
            check_registration_hook(item)
        elif item.hook in _HOOKS:
            check_listener(item)
        elif not item.options.get("optionalhook"):
            raise UsageError(
                f"it implements the unknown hook {item.hook!r} ({did_you_mean(item.hook, _HOOKS)})"
            )


def _collect(found: list[Implementation]) -> list[ComponentSpec | CommandSpec]:
    specs: list[ComponentSpec | CommandSpec] = []
    for implementation in found:
        hook = implementation.hook
        wanted = REGISTRATIONS.get(hook)
        if wanted is None:
            continue
        returned = implementation.function()
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


def _warn_listener(source: str, hook: str, error: BaseException) -> None:
    _warn(f"{source}: its hook {hook} failed ({describe_error(error)}); the run goes on.")


def _warn(message: str) -> None:
    warnings.warn(message, PluginWarning, stacklevel=3)
