"""gath-bench: a plugin-based benchmark for AU-controlled portrait animation."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from gath_bench.errors import Unavailable, UsageError
from gath_bench.hookspecs import hookimpl
from gath_bench.version import __version__

if TYPE_CHECKING:
    from gath_bench.animation.api import animate
    from gath_bench.evaluation.components import (
        list_components,
        load_component,
        load_dataset,
        load_metric,
        load_model,
    )
    from gath_bench.evaluation.results import Results, load_run, load_runs
    from gath_bench.evaluation.run import evaluate

__all__ = [
    "Results",
    "Unavailable",
    "UsageError",
    "__version__",
    "animate",
    "evaluate",
    "hookimpl",
    "list_components",
    "load_component",
    "load_dataset",
    "load_metric",
    "load_model",
    "load_run",
    "load_runs",
]

#: Names that are imported on first use, with their module: every plugin imports this package, and an evaluation
#: imports numpy.
_LAZY = {
    "Results": "evaluation.results",
    "animate": "animation.api",
    "evaluate": "evaluation.run",
    "list_components": "evaluation.components",
    "load_component": "evaluation.components",
    "load_dataset": "evaluation.components",
    "load_metric": "evaluation.components",
    "load_model": "evaluation.components",
    "load_run": "evaluation.results",
    "load_runs": "evaluation.results",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(f"gath_bench.{_LAZY[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})
