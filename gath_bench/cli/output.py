"""Standard output carries the command's result and nothing else; sentences are readable on a narrow terminal."""

from __future__ import annotations

import os
import re
import shutil
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import click

#: Commands in sentences, which must be copied as a whole.
_COMMAND = re.compile(r"`[^`]*`|pip install \S+")
_NO_BREAK = "\N{NO-BREAK SPACE}"


def wrap(text: str, width: int, *, first: str = "", rest: str = "  ") -> str:
    """A sentence in lines of at most ``width`` letters. Lines break at spaces, and not within commands.

    Args:
        first: what the first line begins with.
        rest: what the other lines begin with.

    >>> print(wrap("missing: `pip install av` installs it", 20))
    missing:
      `pip install av`
      installs it
    """
    whole = _COMMAND.sub(lambda command: command[0].replace(" ", _NO_BREAK), text)
    lines = textwrap.fill(
        whole,
        width,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return lines.replace(_NO_BREAK, " ")


def echo(text: str, *, err: bool = False) -> None:
    """Print a sentence; on a terminal in lines of its width, elsewhere as one line."""
    if (sys.stderr if err else sys.stdout).isatty():
        text = wrap(text, shutil.get_terminal_size().columns)
    click.echo(text, err=err)


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
