"""Keeps the result or the exception of a call, so that a failure is computed once and raised wherever it matters."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import ParamSpec, TypeVar

from gath_bench.errors import UsageError

_P = ParamSpec("_P")
_T = TypeVar("_T")


def capture(function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]:
    """Call a function now and keep what it returned or raised.

    Returns:
        A finished future: ``result()`` returns the value or raises the exception, every time it is called.

    Raises:
        UsageError: from the function. It ends the command and is not kept.

    >>> capture(int, "12").result()
    12
    >>> type(capture(int, "x").exception()).__name__
    'ValueError'
    """
    future: Future[_T] = Future()
    try:
        future.set_result(function(*args, **kwargs))
    except UsageError:
        raise
    except Exception as error:
        future.set_exception(error)
    return future
