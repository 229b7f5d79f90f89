"""The notation of an expression: ``6C+12D``, ``AU06=0.6,AU12=0.8`` or ``happiness*0.5``.

The same notation is used by the command line, by data set parameters and in Python. An expression has one or
more parts, joined by ``+`` or ``,``:

=====================  ==================================================================================
part                   meaning
=====================  ==================================================================================
``12D``, ``AU12D``     FACS: an action unit and an intensity letter, A = 1/5, B = 2/5, ... E = 5/5
``AU12=0.8``           a coefficient in [0, 1]; ``AU12`` is a label of the AU space, such as ``jawOpen``
``happiness*0.5``      an emotion preset, with an optional factor
=====================  ==================================================================================

A label that is not named is 0. Unilateral actions (``L12C``) are not supported: no AU space here has sides.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from gath_bench.au.presets import PRESETS, preset
from gath_bench.au.spaces import DEFAULT_SPACE, AUSpace, get_space, normalise_au
from gath_bench.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

#: The FACS intensity letters; the k-th of them, counted from 1, is coefficient k / 5.
LETTERS = "ABCDE"

_FACS = re.compile(r"^(?P<au>(?:AU[ _-]*)?\d{1,2})\s*(?P<letter>[A-E])$", re.IGNORECASE)
_NUMBER_ONLY = re.compile(r"^(?:AU[ _-]*)?\d{1,2}$", re.IGNORECASE)
_UNILATERAL = re.compile(r"^[LR][ _-]*(?:AU[ _-]*)?\d", re.IGNORECASE)
_EXAMPLES = "6C+12D, AU06=0.6,AU12=0.8 or happiness*0.5"


def parse_aus(text: str, space: str | AUSpace = DEFAULT_SPACE) -> dict[str, float]:
    """Read one expression; see the module for the notation.

    Args:
        text: the expression. Letters of either case; blanks around parts do not matter.
        space: the AU space whose labels are named. FACS letters and presets need a space of action units.

    Returns:
        Label -> coefficient in [0, 1], for the labels that the text names, in the order of the text.

    >>> parse_aus("6C+12D")
    {'AU06': 0.6, 'AU12': 0.8}
    >>> parse_aus("happiness*0.5, AU01=0.25")
    {'AU06': 0.4, 'AU12': 0.4, 'AU01': 0.25}

    Raises:
        UsageError: the text is not an expression, names an AU that the space does not have, names one twice,
            or gives a value outside [0, 1].
    """
    target = get_space(space) if isinstance(space, str) else space
    if not text.strip():
        raise UsageError(f"no AUs are given: write {_EXAMPLES}.")
    aus: dict[str, float] = {}
    for part in re.split("[+,]", text):
        for label, value in _parse_part(part.strip(), text, target).items():
            if label in aus:
                raise UsageError(f"{label} is named twice in {text!r}: keep one of its values.")
            aus[label] = value
    return aus


def format_aus(aus: Mapping[str, float]) -> str:
    """Coefficients in the notation of `parse_aus`, which reads the same values back.

    >>> format_aus({"AU06": 0.6, "AU12": 0.8})
    'AU06=0.6,AU12=0.8'
    """
    return ",".join(f"{label}={float(value)!r}" for label, value in aus.items())


def aus_to_vector(
    aus: str | Mapping[str, float], space: str | AUSpace = DEFAULT_SPACE
) -> NDArray[np.float32]:
    """An expression as a vector of an AU space; a label that is not named is 0.

    Args:
        aus: the notation of `parse_aus`, or label -> coefficient in [0, 1]; FACS labels in any spelling that
            `normalise_au` takes.
        space: the AU space, K labels.

    Returns:
        float32 (K,) in [0, 1].

    >>> aus_to_vector("6C+12D")[[4, 8]].tolist() == aus_to_vector({"AU06": 0.6, "12": 0.8})[[4, 8]].tolist()
    True

    Raises:
        UsageError: as `parse_aus`.
    """
    import numpy as np

    target = get_space(space) if isinstance(space, str) else space
    values = np.zeros(len(target), dtype=np.float32)
    seen: set[int] = set()
    for name, value in (parse_aus(aus, target) if isinstance(aus, str) else aus).items():
        index = target.index(name)
        if index in seen:
            raise UsageError(f"{target.labels[index]} is named twice: keep one of its values.")
        seen.add(index)
        values[index] = _coefficient(target.labels[index], value, target)
    return values


def vector_to_aus(values: ArrayLike, space: str | AUSpace = DEFAULT_SPACE) -> dict[str, float]:
    """The labels of a vector that are above 0; the inverse of `aus_to_vector`.

    Args:
        values: (K,) coefficients in [0, 1]; zeros and NaN (unknown) are left out.
        space: the AU space, K labels.

    Returns:
        Label -> coefficient in (0, 1].

    >>> vector_to_aus(aus_to_vector("1E+12E"))
    {'AU01': 1.0, 'AU12': 1.0}

    Raises:
        UsageError: ``values`` does not have shape (K,) or is not in [0, 1].
    """
    import numpy as np

    source = get_space(space) if isinstance(space, str) else space
    array = np.asarray(values, dtype=np.float64)
    if array.shape != (len(source),):
        raise UsageError(
            f"a vector of {source.name} has shape ({len(source)},), this one has {array.shape}: "
            "pass one vector at a time, in the space named."
        )
    if ((array < 0) | (array > 1)).any():
        raise UsageError("AU coefficients lie in [0, 1]: divide FACS intensities by 5 first.")
    return {label: value for label, value in zip(source.labels, array.tolist(), strict=True) if value > 0}


def _parse_part(part: str, text: str, space: AUSpace) -> dict[str, float]:
    """One part of an expression: label -> coefficient."""
    if not part:
        raise UsageError(f"{text!r} has an empty part: write {_EXAMPLES}.")
    if _UNILATERAL.match(part):
        raise UsageError(
            f"{part!r} is a unilateral action, which AU spaces here cannot express: leave out the L or R."
        )
    if "=" in part:
        name, _, number = (word.strip() for word in part.partition("="))
        label = space.labels[space.index(name)]
        return {label: _coefficient(label, number, space)}
    facs = _FACS.match(part)
    if facs is None and _NUMBER_ONLY.match(part):
        raise UsageError(
            f"{part!r} has no intensity: add a FACS letter A to E ({part}C) or a coefficient in [0, 1] "
            f"({normalise_au(part)}=0.6)."
        )
    if facs is None and part.partition("*")[0].strip() not in PRESETS:
        raise UsageError(f"cannot read {part!r}: write {_EXAMPLES}; {did_you_mean(part, PRESETS)}")
    if not space.is_facs:
        raise UsageError(
            f"{part!r} names FACS action units, which AU space {space.name} does not have: "
            f"write coefficients by its labels, as in {space.labels[-1]}=0.6."
        )
    if facs is not None:
        label = space.labels[space.index(facs["au"])]
        return {label: (LETTERS.index(facs["letter"].upper()) + 1) / len(LETTERS)}
    return {space.labels[space.index(label)]: value for label, value in _parse_preset(part).items()}


def _parse_preset(part: str) -> dict[str, float]:
    name, star, factor = (word.strip() for word in part.partition("*"))
    if not star:
        return preset(name)
    try:
        return preset(name, float(factor))
    except ValueError:
        raise UsageError(f"{part!r} has no number after the star: write {name}*0.5.") from None


def _coefficient(label: str, value: float | str, space: AUSpace) -> float:
    """A number in [0, 1].

    Raises:
        UsageError: it is something else. A FACS intensity from 1 to 5 is answered with both notations for it.
    """
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if 0 <= number <= 1:
        return number
    shown = f"{label}={value}"
    if not number > 1:
        raise UsageError(f"{shown} is not a coefficient: give a number in [0, 1], as in {label}=0.6.")
    as_facs = number if number <= len(LETTERS) else 3.0
    example = f"{label}={as_facs / len(LETTERS):g}"
    if space.is_facs:
        letter = LETTERS[max(1, round(as_facs)) - 1]
        example += f") or FACS notation with a letter A to E ({int(label[2:])}{letter}"
    raise UsageError(f"{shown} is above 1: write a coefficient in [0, 1] ({example}).")
