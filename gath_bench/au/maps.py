"""Maps between AU spaces: explicit, lossy where they are, and honest about what they cover.

A map is a matrix. A target label that no source label speaks of is *uncovered* and comes out NaN:
a zero would claim that the action is absent. There is no search for a path through other spaces;
a pair without a map of its own is refused.
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
        source: the AU space it reads, Ks labels.
        target: the AU space it writes, Kt labels.
        weights: Ks rows of Kt numbers; ``target = clip(source @ weights, 0, 1)``.
        covered: per target label, whether the source says anything about it.
        approximate: covered target labels whose source is a neighbour, not the same action.
        lossy: whether the source cannot be had back from the result.
        notes: what the map drops, merges or approximates.
        citation: where the correspondences come from.
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
        """The share of target labels that are covered, in [0, 1]."""
        return sum(self.covered) / len(self.covered)

    @cached_property
    def dropped(self) -> tuple[str, ...]:
        """The source labels that reach no target label."""
        labels = get_space(self.source).labels
        return tuple(label for label, row in zip(labels, self.weights, strict=True) if not any(row))

    @cached_property
    def uncovered(self) -> tuple[str, ...]:
        """The target labels that come out NaN."""
        labels = get_space(self.target).labels
        return tuple(label for label, ok in zip(labels, self.covered, strict=True) if not ok)


def find_map(source: str, target: str) -> AUMap:
    """The map from one AU space to another; the identity if they are the same.

    >>> find_map("openface17", "disfa12").dropped
    ('AU07', 'AU10', 'AU14', 'AU23', 'AU45')

    Raises:
        UsageError: a space is unknown, or there is no map of its own for the pair.
    """
    get_space(source), get_space(target)
    if (source, target) not in MAPS:
        others = [pair[1] for pair in MAPS if pair[0] == source and pair[1] != source]
        reach = f"{source} maps to {', '.join(others)}" if others else f"{source} has no map at all"
        raise UsageError(
            f"there is no map from AU space {source} to {target}: {reach}; "
            f"use AU labels made in {target}, or a component that works in {source}."
        )
    return MAPS[source, target]


def apply(au_map: AUMap, values: Array) -> Array:
    """Carry AU coefficients over into another space.

    Args:
        au_map: the map.
        values: ``(..., Ks)`` coefficients in [0, 1], a floating numpy array or torch tensor; NaN
            where a coefficient is unknown.

    Returns:
        ``(..., Kt)`` coefficients in [0, 1], of the same kind, type and device. NaN where the
        target label is uncovered, or where it needs an unknown source coefficient.

    Raises:
        UsageError: the last axis is not Ks long.
    """
    x: Any = values
    if x.shape[-1] != len(au_map.weights):
        raise UsageError(
            f"AU coefficients in {au_map.source} have {len(au_map.weights)} values each, these "
            f"have {x.shape[-1]}: name the AU space they are really in."
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
    """The constant as an array of the same kind, type and device; torch is never imported."""
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
        raise ValueError(f"{source} -> {target} names labels of neither space: {sorted(stray)}")
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
    return Correspondence(
        weights, notes="The space itself: nothing is changed.", citation="none", lossless=True
    )


#: Every map there is, by (source, target).
MAPS: Mapping[tuple[str, str], AUMap] = MappingProxyType(
    {(name, name): _build(name, name, _identity(name)) for name in SPACES}
    | {pair: _build(*pair, table) for pair, table in TABLES.items()}
)
