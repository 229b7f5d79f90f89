"""Linear maps between AU spaces.

A target label without a corresponding source label is *uncovered*: its value is NaN, since 0 would mean that the action
is absent. Maps are not chained: a pair of spaces without a map is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any, TypeVar

from gath_bench.au.correspondences import TABLES, Correspondence
from gath_bench.au.spaces import SPACES, get_space
from gath_bench.errors import UsageError

Array = TypeVar("Array")


@dataclass(frozen=True)
class AUMap:
    """A linear map from one AU space to another, clipped to [0, 1].

    Attributes:
        source: the source AU space, Ks labels.
        target: the target AU space, Kt labels.
        weights: (Ks, Kt); ``target = clip(source @ weights, 0, 1)``.
        covered: per target label, whether it has a corresponding source label.
        approximate: covered target labels that correspond to a similar action, not the same one.
        lossy: whether the source cannot be recovered from the result.
        notes: what the map drops, merges or approximates.
        citation: source of the correspondences.
    """

    source: str
    target: str
    weights: tuple[tuple[float, ...], ...]
    covered: tuple[bool, ...]
    approximate: tuple[str, ...]
    lossy: bool
    notes: str
    citation: str

    @cached_property
    def coverage(self) -> float:
        """Share of target labels that are covered, in [0, 1]."""
        return sum(self.covered) / len(self.covered)

    @cached_property
    def dropped(self) -> tuple[str, ...]:
        """Source labels that no target label depends on."""
        labels = get_space(self.source).labels
        return tuple(label for label, row in zip(labels, self.weights, strict=True) if not any(row))

    @cached_property
    def uncovered(self) -> tuple[str, ...]:
        """Target labels whose value is NaN."""
        labels = get_space(self.target).labels
        return tuple(label for label, ok in zip(labels, self.covered, strict=True) if not ok)


def find_map(source: str, target: str) -> AUMap:
    """The map from one AU space to another; the identity if they are the same.

    >>> find_map("openface17", "disfa12").dropped
    ('AU07', 'AU10', 'AU14', 'AU23', 'AU45')

    Raises:
        UsageError: a space is unknown, or the pair has no map.
    """
    get_space(source), get_space(target)
    if (source, target) not in MAPS:
        others = [pair[1] for pair in MAPS if pair[0] == source and pair[1] != source]
        reach = f"{source} maps to {', '.join(others)}" if others else f"{source} has no map at all"
        raise UsageError(
            f"there is no map from AU space {source} to {target}: {reach}; "
            f"use AU labels in {target}, or a component that works in {source}."
        )
    return MAPS[source, target]


def apply(au_map: AUMap, values: Array) -> Array:
    """Map AU coefficients to another space.

    Args:
        au_map: the map.
        values: (..., Ks) coefficients in [0, 1], a floating-point numpy array or torch tensor; NaN where a
            coefficient is unknown.

    Returns:
        (..., Kt) coefficients in [0, 1], with the type and device of ``values``. NaN where the target label is
        uncovered or depends on an unknown source coefficient.

    Raises:
        UsageError: the last axis does not have length Ks.
    """
    x: Any = values
    if x.shape[-1] != len(au_map.weights):
        raise UsageError(
            f"AU coefficients in {au_map.source} have {len(au_map.weights)} values, not {x.shape[-1]}: "
            "name the AU space of the coefficients."
        )
    unknown = x != x  # NaN, in numpy and torch alike
    known = x + 0
    known[unknown] = 0
    used = [[float(weight != 0) for weight in row] for row in au_map.weights]
    result = (known @ _constant_like(x, au_map.weights)).clip(0, 1)
    touched = (unknown * _constant_like(x, 1.0)) @ _constant_like(x, used)
    result[touched > 0] = float("nan")
    holes = [index for index, ok in enumerate(au_map.covered) if not ok]
    if holes:
        result[..., holes] = float("nan")
    return result  # type: ignore[no-any-return]


def _constant_like(values: Any, constant: object) -> Any:
    """The constant with the type and device of ``values``, without importing torch."""
    if hasattr(values, "new_tensor"):
        return values.new_tensor(constant)
    import numpy as np

    return np.asarray(constant, dtype=values.dtype)


def _build(source: str, target: str, table: Correspondence) -> AUMap:
    rows, columns = get_space(source).labels, get_space(target).labels
    stray = {*table.weights} - {*columns} | {
        label for terms in table.weights.values() for label in terms if label not in rows
    }
    if stray:
        raise ValueError(f"{source} -> {target} has labels that are in neither space: {sorted(stray)}")
    weights = tuple(tuple(table.weights.get(column, {}).get(row, 0.0) for column in columns) for row in rows)
    return AUMap(
        source=source,
        target=target,
        weights=weights,
        covered=tuple(column in table.weights for column in columns),
        approximate=table.approximate,
        lossy=not table.lossless,
        notes=table.notes,
        citation=table.citation,
    )


def _identity(name: str) -> Correspondence:
    weights = {label: {label: 1.0} for label in get_space(name).labels}
    return Correspondence(weights, notes="Identity: no change.", citation="none", lossless=True)


#: All maps, by (source, target).
MAPS: Mapping[tuple[str, str], AUMap] = MappingProxyType(
    {(name, name): _build(name, name, _identity(name)) for name in SPACES}
    | {pair: _build(*pair, table) for pair, table in TABLES.items()}
)
