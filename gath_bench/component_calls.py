"""Calls of component code: settings that it changes are restored, and whatever it raises is an ordinary exception.

A component is code of a plugin. It may call ``sys.exit``, raise exceptions that are no ``Exception``, or change
settings of the process such as torch's default device. Every call of a component is made inside `component_call`, so
that none of this reaches the next component.

What cannot be undone from inside the process is not: replaced functions of other modules, a signal such as SIGSEGV,
and ``os._exit``. Under ``--isolate`` another process is told of every call, and learns from it which component ended or
blocked this one (`observed_by`).
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol

from gath_bench.errors import describe_error


class ComponentExit(Exception):
    """A component raised an exception that is not an ``Exception``, such as ``SystemExit``, or ended its process."""


class TimeLimit(BaseException):
    """The time limit of the run ended while a component was running; see ``gath_bench.engine.time_limit``.

    It is no ``Exception``, so that a component that catches its own errors does not catch it.
    """


class CallObserver(Protocol):
    """Is told of calls of components that are not inside another call."""

    def begin(self, component: str) -> None:
        """A call begins.

        Raises:
            ComponentExit: the component is not to be called.
        """

    def end(self) -> None:
        """The call returned or raised."""


@contextmanager
def component_call(component: str, *, restore: bool = True) -> Iterator[None]:
    """Run a component's code.

    Args:
        component: kind and name of the component, for messages.
        restore: restore the settings of this process afterwards. A thread beside the main one passes False, since
            the settings are shared; the main thread's next call restores them.

    Raises:
        ComponentExit: the code raised ``SystemExit`` or another exception that is not an ``Exception``, or an observer
            refuses the call. ``KeyboardInterrupt`` and ``TimeLimit`` pass, since they come from outside of the code.
        Exception: from the code.
    """
    try:
        if _INSIDE.get():
            yield
        else:
            with _observed(component), _settings_of_call() if restore else nullcontext():
                yield
    except (Exception, TimeLimit):
        raise
    except KeyboardInterrupt as error:
        if not _OBSERVERS:
            raise
        raise ComponentExit("it raised KeyboardInterrupt") from error  # the user interrupts the other process
    except BaseException as error:
        raise ComponentExit(f"it raised {describe_error(error)}") from error


@contextmanager
def _settings_of_call() -> Iterator[None]:
    """Begin and end with the same settings. A call inside of another, as of an evaluator by a metric, needs no own."""
    held = _HELD.get()
    if held is not None:
        held.restore()  # a thread beside this one may have changed them
    before = _Settings.now(_THREAD_SETTINGS)
    shared = held or _Settings.now(_PROCESS_SETTINGS)
    token = _INSIDE.set(True)
    try:
        yield
    finally:
        _INSIDE.reset(token)
        before.restore()
        shared.restore()


@contextmanager
def _observed(component: str) -> Iterator[None]:
    observer = _OBSERVERS[-1] if _OBSERVERS else None
    if observer is None:
        yield
        return
    observer.begin(component)
    try:
        yield
    finally:
        observer.end()


@contextmanager
def observed_by(observer: CallObserver) -> Iterator[None]:
    """Inside it, an observer is told of the calls of all threads."""
    _OBSERVERS.append(observer)
    try:
        yield
    finally:
        _OBSERVERS.pop()


def is_inside_component() -> bool:
    """Whether this thread is inside of a component call."""
    return _INSIDE.get()


@contextmanager
def settings_held() -> Iterator[None]:
    """Inside it, every component call begins and ends with the process settings of this moment."""
    token = _HELD.set(_Settings.now(_PROCESS_SETTINGS))
    try:
        yield
    finally:
        _HELD.reset(token)


@contextmanager
def settings_restored() -> Iterator[None]:
    """Restore the settings of the process on exit."""
    before = _Settings.now((*_THREAD_SETTINGS, *_PROCESS_SETTINGS))
    try:
        yield
    finally:
        before.restore()


@dataclass(frozen=True)
class _Setting:
    """How to read and write one setting."""

    read: Callable[[], Any]
    write: Callable[[Any], object]


@dataclass(frozen=True)
class _Settings:
    """The values of some settings at one moment. Settings of packages that were not imported are left out."""

    values: tuple[tuple[_Setting, Any], ...]

    @classmethod
    def now(cls, settings: tuple[Callable[[], list[_Setting]], ...]) -> _Settings:
        return cls(tuple((setting, setting.read()) for group in settings for setting in group()))

    def restore(self) -> None:
        for setting, value in self.values:
            if setting.read() != value:
                setting.write(value)


_INSIDE: ContextVar[bool] = ContextVar("whether a component is being called", default=False)
_OBSERVERS: list[CallObserver] = []
_HELD: ContextVar[_Settings | None] = ContextVar("settings that components keep", default=None)


def _torch_thread_settings() -> list[_Setting]:
    torch: Any = sys.modules.get("torch")
    if torch is None or not hasattr(torch, "set_default_device"):  # not imported, or being imported right now
        return []
    return [
        _Setting(torch.is_grad_enabled, torch.set_grad_enabled),
        _Setting(
            lambda: torch.is_autocast_enabled("cpu"), lambda value: torch.set_autocast_enabled("cpu", value)
        ),
        # "No default device" reads as the CPU; setting the CPU would slow every call of a torch function.
        _Setting(
            torch.get_default_device,
            lambda device: torch.set_default_device(None if device.type == "cpu" else device),
        ),
    ]


def _torch_process_settings() -> list[_Setting]:
    torch: Any = sys.modules.get("torch")
    if torch is None or not hasattr(torch, "set_default_device"):
        return []
    flags = (
        (torch.backends.cudnn, "enabled"),
        (torch.backends.cudnn, "benchmark"),
        (torch.backends.cudnn, "deterministic"),
        (torch.backends.cudnn, "allow_tf32"),
        (torch.backends.cuda.matmul, "allow_tf32"),
        (torch.backends.mkldnn, "enabled"),
    )
    return [
        _Setting(torch.get_num_threads, torch.set_num_threads),
        _Setting(torch.get_default_dtype, torch.set_default_dtype),
        _Setting(
            lambda: (
                torch.are_deterministic_algorithms_enabled(),
                torch.is_deterministic_algorithms_warn_only_enabled(),
            ),
            lambda value: torch.use_deterministic_algorithms(value[0], warn_only=value[1]),
        ),
        *(_flag(module, name) for module, name in flags),
    ]


def _flag(module: Any, name: str) -> _Setting:
    return _Setting(lambda: getattr(module, name), lambda value: setattr(module, name, value))


def _numpy_settings() -> list[_Setting]:
    numpy: Any = sys.modules.get("numpy")
    if numpy is None or not hasattr(numpy, "seterr"):
        return []
    return [_Setting(numpy.geterr, lambda value: numpy.seterr(**value))]


def _interpreter_settings() -> list[_Setting]:
    return [
        _Setting(_folder, _enter),
        _Setting(sys.getrecursionlimit, sys.setrecursionlimit),
        _Setting(lambda: (sys.stdout, sys.stderr), _set_streams),
        _Setting(_error_filters, _remove_error_filters),
    ]


def _folder() -> str | None:
    """The working directory; None if it was removed."""
    try:
        return os.getcwd()
    except OSError:
        return None


def _enter(folder: str | None) -> None:
    if folder is not None:
        with suppress(OSError):  # removed in the meantime
            os.chdir(folder)


def _set_streams(streams: tuple[Any, Any]) -> None:
    sys.stdout, sys.stderr = streams


def _error_filters() -> list[Any]:
    """The filters that turn warnings into exceptions. Filters that hide warnings come with many packages."""
    return [item for item in warnings.filters if item[0] == "error"]


def _remove_error_filters(kept: list[Any]) -> None:
    others = [item for item in warnings.filters if item[0] != "error" or item in kept]
    warnings.resetwarnings()  # also tells the warnings module that the list has changed
    warnings.filters[:] = others  # type: ignore[index]


#: Settings of one thread. A component call restores those that it began with.
_THREAD_SETTINGS = (_torch_thread_settings, _numpy_settings)
#: Settings that all threads share.
_PROCESS_SETTINGS = (_torch_process_settings, _interpreter_settings)
