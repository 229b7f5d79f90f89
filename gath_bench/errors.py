"""The exceptions of this package, and functions that turn any exception into one sentence."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError


#: Longer texts of components are cut: a reason is a sentence, and the console shows it.
LONGEST_TEXT = 1000


class UsageError(Exception):
    """A request that cannot be carried out: the command line, a suite file or an input folder is wrong.

    The message is one sentence: what is wrong, where, and what to do. The command line prints it and ends
    with exit code 2; nothing that was already measured is lost.
    """


class Unavailable(Exception):
    """A value that cannot be had here (no face found, no target image, missing weights).

    The message is the reason that stands in the recorded NA row. It never ends a run.
    """


class ContractError(Exception):
    """A component returned something that its contract does not allow.

    The message is one sentence: what it must return, and what it returned.
    """


#: With more known names than this, a sentence lists the similar ones only.
_MANY = 40


def did_you_mean(name: str, choices: Iterable[str]) -> str:
    """The closing words of an "unknown name" sentence: similar names, and all known ones unless they are many.

    >>> did_you_mean("sim", ["ssim", "psnr"])
    'did you mean ssim? Known: psnr, ssim.'
    >>> did_you_mean("zzz", ["ssim", "psnr"])
    'known: psnr, ssim.'
    >>> did_you_mean("au1o", ["au10", *(f"name-{number}" for number in range(99))])
    'did you mean au10?'
    """
    from difflib import get_close_matches

    known = sorted(set(choices))
    listed = ", ".join(known) if known else "none"
    close = get_close_matches(name, known, n=3, cutoff=0.6)
    if close and len(known) > _MANY:
        return f"did you mean {' or '.join(close)}?"
    if close:
        return f"did you mean {' or '.join(close)}? Known: {listed}."
    return f"known: {listed}."


def plain_text(text: str, limit: int = LONGEST_TEXT) -> str:
    """Text of unknown origin as one line that can be printed and stored as UTF-8.

    Control characters (terminal escapes among them) and lone surrogates become U+FFFD; blanks and line breaks become
    one blank; what follows after ``limit`` characters is left out.

    >>> plain_text("red: \\x1b[31m\\n  next")
    'red: \ufffd[31m next'
    >>> plain_text("a" * 50, limit=8)
    'aaaaa...'
    """
    # Cut before the rest, since the text may have any length.
    line = " ".join(text[: 2 * limit].split())
    if not line.isprintable():
        line = "".join(letter if letter.isprintable() else "\ufffd" for letter in line)
    return line if len(line) <= limit and len(text) <= 2 * limit else f"{line[: limit - 3]}..."


def describe_error(error: BaseException) -> str:
    """An exception as one line, without its type where the message alone is meant for users.

    It never raises, whatever the exception's text is: see `plain_text`.

    >>> describe_error(Unavailable("no face found"))
    'no face found'
    >>> describe_error(ValueError("bad\\nshape"))
    'ValueError: bad shape'
    >>> describe_error(KeyError())
    'KeyError'
    """
    try:
        text = plain_text(str(error))
    except BaseException:  # its __str__ is the component's code as well
        text = ""
    if isinstance(error, UsageError | Unavailable | ContractError) and text:
        return text
    name = plain_text(type(error).__name__)
    return f"{name}: {text}" if text else name


def describe_validation_error(error: ValidationError, model: type[BaseModel]) -> str:
    """The first problem of a pydantic validation as one clause: the key, what is wrong with it, what is known.

    Args:
        error: what ``model.model_validate`` raised.
        model: the model, which lists the known keys.
    """
    # An unknown key comes first: a key reported as missing is then usually the one that was mistyped.
    first = min(error.errors(), key=lambda problem: problem["type"] != "extra_forbidden")
    path = [str(part) for part in first["loc"]]
    place = ".".join(path) or "the whole"
    if first["type"] == "extra_forbidden":
        return f"{place!r} is not a known key; {did_you_mean(path[-1], _fields_at(model, first['loc'][:-1]))}"
    if first["type"] == "missing":
        return f"{place!r} is missing."
    return f"{place!r}: {first['msg'].removeprefix('Value error, ')}."


def _fields_at(model: type[BaseModel], path: tuple[int | str, ...]) -> list[str]:
    """The keys of the model at a path of keys and list positions inside ``model``."""
    from pydantic import BaseModel

    for part in path:
        if isinstance(part, int):
            continue
        annotation = model.model_fields[part].annotation
        candidates = [annotation, *getattr(annotation, "__args__", ())]
        model = next(c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel))
    return list(model.model_fields)
