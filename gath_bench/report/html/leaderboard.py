"""The leaderboard of several runs: every value of every table, with what it can be filtered by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gath_bench.report.html.place import Place, PlaceColumn, PlaceLine
from gath_bench.report.table import Cell


def leaderboard(places: Sequence[Place]) -> dict[str, Any]:
    """``{"places": [title], "columns": [column], "lines": [line], "values": [value]}``, for the page's script.

    A column is ``{"metric", "direction", "unit", "key", "evaluators"}``: one summary under one key, so that values of
    unlike keys never share a column. A line is ``{"place", "model", "run", "key", "reference"}``: one model of one
    table. A value is ``[line, column, number, text, half interval, interval, marks, rank, best, reason]``.
    """
    places_of: dict[tuple[str, str], int] = {}
    columns: list[dict[str, Any]] = []
    lines: list[dict[str, Any]] = []
    values: list[list[Any]] = []
    for number, place in enumerate(places):
        for line, row in zip(place.lines, place.table.lines, strict=True):
            for column, cell in zip(place.shown, row.cells, strict=True):
                if cell.row is None:
                    continue
                key = column.head.metric, column.head.key
                if key not in places_of:
                    places_of[key] = len(columns)
                    columns.append(_column(column))
                values.append([len(lines), places_of[key], *_value(cell)])
            lines.append(_line(number, line))
    return {
        "places": [place.table.title for place in places],
        "columns": columns,
        "lines": lines,
        "values": values,
    }


def _column(column: PlaceColumn) -> dict[str, Any]:
    head = column.head
    return {
        "metric": head.metric,
        "direction": head.direction,
        "unit": head.unit,
        "key": head.key,
        "evaluators": list(column.record.evaluators),
    }


def _line(place: int, line: PlaceLine) -> dict[str, Any]:
    runs = dict.fromkeys(line.source.run.origin(cell)[0].resolve().name for cell in line.cells)
    return {
        "place": place,
        "model": line.number,
        "run": ", ".join(runs),
        "key": line.cell.model_key,
        "reference": line.reference,
    }


def _value(cell: Cell) -> list[Any]:
    row = cell.row
    rank = None if row is None else row.rank
    marks = f"{cell.dagger}{'≈' if cell.tied else ''}"
    return [cell.sort, cell.value, cell.half_interval, cell.interval, marks, rank, cell.best, cell.reason]
