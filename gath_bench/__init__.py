"""gath-bench: a plugin-based benchmark for AU-controlled portrait animation."""

from typing import TYPE_CHECKING, Any

from gath_bench.errors import Unavailable, UsageError
from gath_bench.hookspecs import hookimpl
from gath_bench.version import __version__

if TYPE_CHECKING:
    from gath_bench.api import Results, load_run, load_runs

__all__ = ["Results", "Unavailable", "UsageError", "__version__", "hookimpl", "load_run", "load_runs"]


def __getattr__(name: str) -> Any:
    # Looked up when asked for: every plugin imports this module, and numpy is no plugin's business.
    if name in ("Results", "load_run", "load_runs"):
        from gath_bench import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
