"""The two ways in which work here ends early, and the sentence that each of them owes the reader."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class UsageError(Exception):
    """A request that cannot be carried out: the command line, a suite file or an input folder is wrong.

    The message is one sentence: what is wrong, where, and what to do. The command line prints it and ends
    with exit code 2; nothing that was already measured is lost.
    """


class Unavailable(Exception):
    """A value that cannot be had here (no face found, no target image, missing weights).

    The message is the reason that stands in the recorded NA row. It never ends a run.
    """


def did_you_mean(name: str, choices: Iterable[str]) -> str:
    """The closing words of an "unknown name" sentence.

    >>> did_you_mean("sim", ["ssim", "psnr"])
    'did you mean ssim? Known: psnr, ssim.'
    >>> did_you_mean("zzz", ["ssim", "psnr"])
    'known: psnr, ssim.'
    """
    known = sorted(set(choices))
    listed = ", ".join(known) if known else "none"
    close = get_close_matches(name, known, n=3, cutoff=0.6)
    if close:
        return f"did you mean {' or '.join(close)}? Known: {listed}."
    return f"known: {listed}."
