"""The conformance kit: whether a component keeps its contract, for pytest and for ``gath-bench check``.

In the tests of a plugin::

    from gath_bench.testing import assert_conforms

    def test_my_metric_conforms():
        assert_conforms("metric", "my-metric")
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from gath_bench.testing.findings import Finding, Violation, require

if TYPE_CHECKING:
    from gath_bench.testing.api import assert_conforms, check, check_component
    from gath_bench.testing.datasets import check_dataset, check_stream

__all__ = [
    "Finding",
    "Violation",
    "assert_conforms",
    "check",
    "check_component",
    "check_dataset",
    "check_stream",
    "require",
]

_LAZY = {
    "assert_conforms": "api",
    "check": "api",
    "check_component": "api",
    "check_dataset": "datasets",
    "check_stream": "datasets",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(f"gath_bench.testing.{_LAZY[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
