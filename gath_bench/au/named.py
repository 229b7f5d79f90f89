"""AUs by name on the FACS scale: ``{"AU12": 3}`` is a marked smile, whatever the space."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from gath_bench.au.spaces import DEFAULT_SPACE, AUSpace, get_space, normalise_au
from gath_bench.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

#: FACS intensities A to E are 1 to 5; 0 is absent.
FACS_MAX = 5.0


def from_named(named: Mapping[str, float], space: str | AUSpace = DEFAULT_SPACE) -> NDArray[np.float32]:
    """AU coefficients from intensities by name; an AU not named is 0.

    Args:
        named: AU -> FACS intensity in [0, 5], in any spelling that `normalise_au` takes.
        space: a space whose labels are action units.

    Returns:
        float32 ``(K,)`` in [0, 1].

    >>> from_named({"AU12": 5, "6": 2.5})[[4, 8]].tolist()
    [0.5, 1.0]

    Raises:
        UsageError: the space is not made of AUs, an AU is unknown there or named twice, or an
            intensity is not a number in [0, 5].
    """
    import numpy as np

    target = _facs_space(space)
    values = np.zeros(len(target), dtype=np.float32)
    seen: set[int] = set()
    for name, intensity in named.items():
        index = target.index(name)
        if index in seen:
            raise UsageError(f"{target.labels[index]} is named twice: keep one of its intensities.")
        seen.add(index)
        values[index] = _intensity(target.labels[index], intensity) / FACS_MAX
    return values


def to_named(values: ArrayLike, space: str | AUSpace = DEFAULT_SPACE) -> dict[str, float]:
    """The AUs that are there, by name; the inverse of `from_named`.

    Args:
        values: ``(K,)`` coefficients in [0, 1]; zeros and NaN (not covered) are left out.
        space: a space whose labels are action units.

    Returns:
        AU -> FACS intensity in (0, 5].

    >>> to_named(from_named({"AU06": 2, "AU12": 5}))["AU12"]
    5.0

    Raises:
        UsageError: the space is not made of AUs, or ``values`` is not K long or not in [0, 1].
    """
    import numpy as np

    source = _facs_space(space)
    array = np.asarray(values, dtype=np.float64)
    if array.shape != (len(source),):
        raise UsageError(
            f"one vector of {source.name} has shape ({len(source)},), this has {array.shape}: "
            "pass one vector at a time, in the space named."
        )
    if ((array < 0) | (array > 1)).any():
        raise UsageError("AU coefficients lie in [0, 1]: divide FACS intensities by 5 first.")
    pairs = zip(source.labels, array.tolist(), strict=True)
    return {label: value * FACS_MAX for label, value in pairs if value > 0}


def parse_named(text: str) -> dict[str, float]:
    """Read ``AU12=3,AU06=2`` as the command line takes it.

    >>> parse_named("au12=3, 6 = 2")
    {'AU12': 3.0, 'AU06': 2.0}

    Raises:
        UsageError: the text is not of that form, an AU stands there twice, or an intensity is not
            in [0, 5].
    """
    named: dict[str, float] = {}
    for part in text.split(","):
        name, equals, number = part.partition("=")
        if not equals or not name.strip() or not number.strip():
            raise UsageError(f"cannot read {part!r} in {text!r}: write AU=intensity, as in AU12=3.")
        label = normalise_au(name)
        if label in named:
            raise UsageError(f"{label} is named twice in {text!r}: keep one of its intensities.")
        named[label] = _intensity(label, number)
    return named


def _facs_space(space: str | AUSpace) -> AUSpace:
    found = get_space(space) if isinstance(space, str) else space
    if not found.is_facs:
        raise UsageError(
            f"AU space {found.name} is not made of FACS action units: name the AUs in "
            f"{DEFAULT_SPACE} and map them."
        )
    return found


def _intensity(label: str, value: float | str) -> float:
    try:
        intensity = float(value)
    except (TypeError, ValueError):
        intensity = math.nan
    if not 0 <= intensity <= FACS_MAX:
        shown = value.strip() if isinstance(value, str) else value
        raise UsageError(
            f"the intensity of {label} is {shown!r}: give a number on the FACS scale, from 0 "
            "(absent) to 5 (maximum)."
        )
    return intensity
