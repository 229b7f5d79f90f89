"""Life-cycle listeners, guarded: an exception in one listener becomes a warning, and the others still run.

pluggy stops a hook call at the first exception. Here each listener is wrapped in a function that reports its
exceptions instead, and the wrapped functions are what pluggy registers. pluggy then does everything else: call
order, ``specname``, and both kinds of wrappers.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pluggy

from gath_bench.component_calls import component_call
from gath_bench.errors import UsageError

Report = Callable[[str, BaseException], None]


@dataclass(frozen=True)
class Implementation:
    """One function of a plugin that carries ``@hookimpl``.

    Attributes:
        hook: the hook that it implements: ``specname`` if given, else the function's own name.
        attribute: the function's name in the plugin.
        function: the function, bound if it is a method.
        options: pluggy's options (``tryfirst``, ``wrapper``, ...).
    """

    hook: str
    attribute: str
    function: Callable[..., Any]
    options: Mapping[str, Any]

    @property
    def label(self) -> str:
        """The module and the name of the function, for messages."""
        return f"hook {getattr(self.function, '__module__', '')}.{self.attribute}"

    @property
    def is_wrapper(self) -> bool:
        """Whether it is a wrapper of either kind."""
        return bool(self.options.get("wrapper") or self.options.get("hookwrapper"))


def implementations(manager: pluggy.PluginManager, plugin: Any) -> Iterator[Implementation]:
    """The hook implementations of a plugin, as pluggy finds them, in the order of their names."""
    for name in dir(plugin):
        options = manager.parse_hookimpl_opts(plugin, name)
        if options is not None:
            yield Implementation(options.get("specname") or name, name, getattr(plugin, name), {**options})


def check_registration_hook(found: Implementation) -> None:
    """Refuse options that have no meaning for a hook that returns specs.

    Raises:
        UsageError: an ordering or wrapper option is set.
    """
    for option in ("wrapper", "hookwrapper", "tryfirst", "trylast"):
        if found.options.get(option):
            raise UsageError(
                f"{found.attribute} sets {option}=True, which {found.hook} does not support: every plugin "
                "registers its own components and none sees another's; remove the option"
            )


def check_listener(found: Implementation) -> None:
    """Refuse a life-cycle listener that pluggy cannot call, or that would silently do nothing.

    Raises:
        UsageError: contradictory options, a wrapper without ``yield``, ``yield`` without a wrapper option, or
            a coroutine function.
    """
    options, name = found.options, found.attribute
    for one, other in (("tryfirst", "trylast"), ("wrapper", "hookwrapper")):
        if options.get(one) and options.get(other):
            raise UsageError(f"{name} sets {one}=True and {other}=True: remove one of them")
    if inspect.iscoroutinefunction(found.function) or inspect.isasyncgenfunction(found.function):
        raise UsageError(f"{name} is an async function, and hooks are called without an event loop: use def")
    yields = inspect.isgeneratorfunction(found.function)
    if found.is_wrapper and not yields:
        raise UsageError(f"{name} is marked as a wrapper, but has no yield: add one, or remove the option")
    if yields and not found.is_wrapper:
        raise UsageError(f"{name} has a yield, but is not marked as a wrapper: use @hookimpl(wrapper=True)")


class GuardedPlugin:
    """What pluggy registers in place of a plugin: the same hook functions under the same names, guarded.

    Args:
        plugin: the plugin.
        found: its implementations; registration hooks are never called through pluggy and need no guard.
        report: called with the hook's name and the exception of a listener.
    """

    def __init__(self, plugin: Any, found: list[Implementation], report: Report) -> None:
        self.plugin = plugin
        for item in found:
            setattr(self, item.attribute, guarded(item, report))

    def __dir__(self) -> list[str]:
        return list(vars(self))  # pluggy looks at every name, slowly: without those of `object`


def guarded(found: Implementation, report: Report) -> Callable[..., Any]:
    """A listener that reports its exceptions instead of raising them; signature and options are kept."""
    if found.is_wrapper:
        return _guarded_wrapper(found, report)

    @functools.wraps(found.function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            with component_call(found.label):
                return found.function(*args, **kwargs)
        except Exception as error:
            report(found.hook, error)
            return None

    return call


def _guarded_wrapper(found: Implementation, report: Report) -> Callable[..., Any]:
    @functools.wraps(found.function)
    def wrap(*args: Any, **kwargs: Any) -> Generator[None, Any, Any]:
        inner = found.function(*args, **kwargs)
        try:
            with component_call(found.label):
                next(inner)
        except StopIteration:
            report(found.hook, RuntimeError("it is a wrapper and ended before its yield"))
            return (yield)
        except Exception as error:
            report(found.hook, error)
            return (yield)
        try:
            outcome = yield
        except BaseException as error:  # the call is being interrupted: the wrapper may clean up
            with suppress(StopIteration):
                inner.throw(error)
            raise
        try:
            with component_call(found.label):
                inner.send(outcome)
        except StopIteration as end:
            outcome = _without_exception(found, outcome, report)
            return outcome if found.options.get("hookwrapper") else end.value
        except Exception as error:
            report(found.hook, error)
            return _without_exception(found, outcome, report)
        inner.close()
        report(found.hook, RuntimeError("it is a wrapper and has a second yield"))
        return outcome

    return wrap


def _without_exception(found: Implementation, outcome: Any, report: Report) -> Any:
    """An old-style wrapper may put an exception into the ``pluggy.Result``: report it, and take it out."""
    if isinstance(outcome, pluggy.Result) and isinstance(outcome.exception, Exception | SystemExit):
        report(found.hook, outcome.exception)
        outcome.force_result([])
    return outcome
