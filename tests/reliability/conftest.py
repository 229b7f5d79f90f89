"""The fixtures of tests that run toy suites."""

from toy.fixtures import _clean, _one_thread

__all__ = ["_clean", "_one_thread"]
