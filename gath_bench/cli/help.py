"""How ``--help`` is printed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import click

_Function = TypeVar("_Function", bound=Callable[..., Any])
_NO_BREAK = "\N{NON-BREAKING HYPHEN}"


class HelpFormatter(click.HelpFormatter):
    """Breaks lines at spaces only: names such as ``gath-warp`` and ``au-spaces`` stay whole."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        super().write_usage(_whole(prog), _whole(args), prefix)

    def write_text(self, text: str) -> None:
        super().write_text(_whole(text))

    def write_dl(self, rows: Iterable[tuple[str, str]], *args: Any, **options: Any) -> None:
        super().write_dl([(_whole(term), _whole(text)) for term, text in rows], *args, **options)

    def getvalue(self) -> str:
        return super().getvalue().replace(_NO_BREAK, "-")


class HelpContext(click.Context):
    """The context of every command, so that all of them print their help in the same way."""

    formatter_class = HelpFormatter


def use_help_format(command: click.Command) -> None:
    """Print the help of a command, and of the commands in it, by `HelpFormatter`."""
    command.context_class = HelpContext
    if isinstance(command, click.Group):
        for one in command.commands.values():
            use_help_format(one)


def device_option(default: str = "auto") -> Callable[[_Function], _Function]:
    """The option ``--device``."""
    return click.option(
        "--device",
        default=default,
        show_default=True,
        metavar="auto|cpu|cuda[:i]",
        help="Where to compute; auto: on the GPU if there is one.",
    )


def _whole(text: str) -> str:
    return text.replace("-", _NO_BREAK)
