"""Values per AU: heat maps of every per-AU summary, and control curves where one AU was swept at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gath_bench.au import ACTION_UNITS
from gath_bench.report.html.place import Place, PlaceColumn, PlaceLine
from gath_bench.report.table import Column

if TYPE_CHECKING:
    import pandas as pd

#: The most levels of one AU in a curve; more are averaged into this many equal steps.
LEVELS = 11


@dataclass(frozen=True)
class Tile:
    """One value of a heat map: its text, its tooltip, its colour from 0 (best) to 1 (worst), and its interval."""

    text: str
    title: str
    heat: float | None
    sort: float | None
    interval: str = ""
    half_interval: str = ""
    ends: tuple[float | None, float | None] = (None, None)


@dataclass(frozen=True)
class HeatMap:
    """One per-AU summary: models by AUs; the first tile of a line is the mean over AUs."""

    column: PlaceColumn
    aus: tuple[str, ...]
    lines: tuple[tuple[PlaceLine, tuple[Tile, ...]], ...]


def heat_maps(place: Place) -> list[HeatMap]:
    """A heat map for every summary that has values per AU."""
    maps = []
    for column in place.columns:
        rows = [row for line in place.lines for row in line.rows if row.au and column.head.holds(row)]
        aus = tuple(dict.fromkeys(row.au for row in rows if row.au))
        if not aus:
            continue
        values = [row.value for row in rows if row.value is not None]
        ends = (min(values), max(values)) if values else (0.0, 0.0)
        if column.head.direction == "higher":
            ends = ends[::-1]
        lines = tuple(
            (line, tuple(_tile(line, column, au, ends) for au in (None, *aus))) for line in place.lines
        )
        maps.append(HeatMap(column, aus, lines))
    # The first map is the one that is open: primary summaries first, errors before others.
    return sorted(maps, key=lambda m: (not m.column.summary.primary, m.column.head.direction != "lower"))


def _tile(line: PlaceLine, column: PlaceColumn, au: str | None, ends: tuple[float, float]) -> Tile:
    row = line.row(column, au)
    if row is None:
        return Tile("", "", None, None)
    if row.value is None:
        return Tile("NA" if row.status != "failed" else "failed", row.reason or "", None, None)
    interval = column.head.interval(row)
    few = ", few subjects" if row.few_subjects and interval else ""
    text = column.head.text(row.value)
    spread = ends[1] - ends[0]
    heat = (row.value - ends[0]) / spread if spread else 0.0
    title = f"{line.label}, {au or 'mean over AUs'}: {text}{interval and ' '}{interval} (n = {row.n}{few})"
    half = column.head.half_interval(row)
    return Tile(text, title, min(1.0, max(0.0, heat)), row.value, interval, half, (row.low, row.high))


@dataclass(frozen=True)
class AUPage:
    """Every value of one AU: models by per-AU summaries.

    Attributes:
        au, name, region: the AU, and its name and region of the face in FACS; empty for labels of other AU spaces.
        before, after: the AUs of the neighbouring pages; empty at the ends.
        columns: the summaries that have values of the AU.
        lines: the models, each with one column and tile for each summary.
    """

    au: str
    name: str
    region: str
    before: str
    after: str
    columns: tuple[Column, ...]
    lines: tuple[tuple[PlaceLine, tuple[tuple[Column, Tile], ...]], ...]


def au_pages(place: Place, maps: Sequence[HeatMap]) -> list[AUPage]:
    """The pages of a place, in the order of the AUs' labels."""
    aus = sorted({au for one in maps for au in one.aus})
    around = ["", *aus, ""]
    return [
        _page(place, [one for one in maps if au in one.aus], au, around[number], around[number + 2])
        for number, au in enumerate(aus)
    ]


def _page(place: Place, maps: Sequence[HeatMap], au: str, before: str, after: str) -> AUPage:
    unit = ACTION_UNITS.get(au)
    # The first tile of a line of a heat map is the mean over AUs.
    lines = tuple(
        (
            line,
            tuple((one.column.head, one.lines[number][1][1 + one.aus.index(au)]) for one in maps),
        )
        for number, line in enumerate(place.lines)
    )
    columns = tuple(one.column.head for one in maps)
    return AUPage(au, unit.name if unit else "", unit.region if unit else "", before, after, columns, lines)


def au_figures(pages: Sequence[AUPage]) -> dict[str, list[dict[str, Any]]]:
    """AU -> for each summary ``{"name", "unit", "direction", "points": [[model, value, low, high, text]]}``."""
    return {
        page.au: [
            {
                "name": column.name,
                "unit": column.unit,
                "direction": column.direction,
                "points": [
                    [line.number, tile.sort, *tile.ends, tile.text]
                    for line, tiles in page.lines
                    for tile in [tiles[place][1]]
                    if tile.sort is not None
                ],
            }
            for place, column in enumerate(page.columns)
        ]
        for page in pages
    }


def control_curves(place: Place) -> list[dict[str, Any]]:
    """One entry for every per-AU slope: measured over requested, AU by AU, with the metric's other per-AU values.

    ``{"name", "facts": [axis], "aus": [{"au", "lines": [{"model", "x", "y", "n", "facts"}]}]}``; a fact is
    ``[value, low, high, text]`` of a per-AU summary of the same metric, such as the leakage.
    """
    curves = []
    for column in place.shown:
        if column.summary.reducer != "slope" or not column.summary.per_au:
            continue
        facts = [c for c in place.shown if c.record.key == column.record.key and c.summary.per_au]
        by_au: dict[str, list[dict[str, Any]]] = {}
        for line in place.lines:
            if line.row(column) is None:
                continue
            pairs = line.pairs(column)
            for au, (x, y, n) in _levels(pairs).items():
                entry = {"model": line.number, "x": x, "y": y, "n": n, "facts": _facts(line, facts, au)}
                by_au.setdefault(au, []).append(entry)
        axes = [{"name": c.head.name, "direction": c.head.direction, "unit": c.head.unit} for c in facts]
        curves.append(
            {
                "name": column.head.name,
                "facts": axes,
                "aus": [{"au": au, "lines": by_au[au]} for au in sorted(by_au)],
            }
        )
    return [curve for curve in curves if curve["aus"]]


def _facts(line: PlaceLine, columns: Sequence[PlaceColumn], au: str) -> list[list[Any]]:
    found = [line.row(column, au) for column in columns]
    return [
        [None, None, None, "NA"]
        if row is None or row.value is None
        else [row.value, row.low, row.high, column.head.text(row.value)]
        for column, row in zip(columns, found, strict=True)
    ]


def _levels(pairs: pd.DataFrame) -> dict[str, tuple[list[float], list[float], list[int]]]:
    """AU -> (requested levels, mean measured values, numbers of samples); at most `LEVELS` levels."""
    found = {}
    kept = pairs.dropna(subset=["x", "y", "au"])
    for au, group in kept.groupby("au", observed=True):
        level = group["y"].round(4)
        if level.nunique() > LEVELS:
            level = (group["y"] * (LEVELS - 1)).round() / (LEVELS - 1)
        means = group["x"].groupby(level).agg(["mean", "size"])
        found[str(au)] = (
            [round(float(x), 4) for x in means.index],
            [round(float(y), 5) for y in means["mean"]],
            [int(n) for n in means["size"]],
        )
    return found
