"""gath-bench: a plugin-based benchmark for AU-controlled portrait animation."""

from gath_bench.errors import Unavailable, UsageError
from gath_bench.hookspecs import hookimpl
from gath_bench.version import __version__

__all__ = ["Unavailable", "UsageError", "__version__", "hookimpl"]
