"""Keeps the result or the exception of a component's code, so that a failure is computed once and raised later."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import ParamSpec, TypeVar

from gath_bench.component_calls import component_call

_P = ParamSpec("_P")
_T = TypeVar("_T")


def capture(component: str, function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]:
    """Call a component's code now and keep what it returned or raised.

    Args:
        component: kind and name of the component.
        function: the code.
        args: its arguments.
        kwargs: its keyword arguments.

    Returns:
        A finished future: ``result()`` returns the value or raises the exception, every time it is called.

    >>> capture("model a", int, "12").result()
    12
    >>> type(capture("model a", int, "x").exception()).__name__
    'ValueError'
    """
    future: Future[_T] = Future()
    try:
        with component_call(component):
            future.set_result(function(*args, **kwargs))
    except Exception as error:
        future.set_exception(error)
    return future
