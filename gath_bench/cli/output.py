"""Standard output carries the command's result and nothing else."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def stdout_to_stderr() -> Iterator[None]:
    """Inside it, everything that is printed goes to standard error: ``print`` of plugins, C libraries, subprocesses."""
    sys.stdout.flush()
    kept, printed = _duplicate(1), sys.stdout
    if kept is not None:
        with suppress(OSError):  # no standard error: then there is nowhere else to print
            os.dup2(2, 1)
    sys.stdout = sys.stderr
    try:
        yield
    finally:
        # Plugins may have replaced or closed it. What they left in the buffer belongs to standard error as well.
        with suppress(ValueError, OSError):
            printed.flush()
        sys.stdout = printed
        if kept is not None:
            os.dup2(kept, 1)
            os.close(kept)


def _duplicate(number: int) -> int | None:
    """A copy of a file descriptor; None if it is closed."""
    try:
        return os.dup(number)
    except OSError:
        return None
