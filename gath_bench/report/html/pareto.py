"""Quality versus speed: the points for each pair of a speed and a quality, and the Pareto front."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gath_bench.report.html.place import Place, PlaceColumn, PlaceLine


def pareto(place: Place) -> dict[str, Any]:
    """``{"speeds": [axis], "qualities": [axis], "plots": {"i,j": [point]}}`` for speed i and quality j.

    A point is ``{"model", "x", "y", "xs", "ys", "front"}`` with the ends of the intervals in ``xs`` and ``ys``.
    Baseline rows have none: copying an image is a thousand times as fast as any model and would flatten the others.
    """
    ranked = [column for column in place.shown if column.head.direction != "none"]
    speeds = [column for column in ranked if column.record.system]
    qualities = [column for column in ranked if not column.record.system]
    plots = {
        f"{i},{j}": points
        for i, speed in enumerate(speeds)
        for j, quality in enumerate(qualities)
        if (points := _points(place.lines, speed, quality))
    }
    return {
        "speeds": [_axis(column) for column in speeds],
        "qualities": [_axis(column) for column in qualities],
        "plots": plots,
    }


def _axis(column: PlaceColumn) -> dict[str, str]:
    return {"name": column.head.name, "unit": column.head.unit, "direction": column.head.direction}


def _points(lines: Sequence[PlaceLine], speed: PlaceColumn, quality: PlaceColumn) -> list[dict[str, Any]]:
    points: list[dict[str, Any]] = []
    for line in (line for line in lines if not line.reference):
        x, y = line.row(speed), line.row(quality)
        if x is None or y is None or x.value is None or y.value is None:
            continue
        point = {
            "model": line.number,
            "x": x.value,
            "y": y.value,
            "xs": [x.low, x.high],
            "ys": [y.low, y.high],
            "text": [speed.head.text(x.value), quality.head.text(y.value)],
        }
        points.append(point)
    places = [_oriented(point, speed, quality) for point in points]
    for point, mine in zip(points, places, strict=True):
        point["front"] = not any(dominates(other, mine) for other in places)
    return points


def _oriented(point: dict[str, Any], speed: PlaceColumn, quality: PlaceColumn) -> tuple[float, float]:
    """(speed, quality), with signs such that higher is better."""
    signs = [1.0 if column.head.direction == "higher" else -1.0 for column in (speed, quality)]
    return signs[0] * point["x"], signs[1] * point["y"]


def dominates(one: tuple[float, float], other: tuple[float, float]) -> bool:
    """Whether one is nowhere worse and somewhere better; higher is better.

    >>> dominates((2, 1), (1, 1)), dominates((2, 0), (1, 1)), dominates((1, 1), (1, 1))
    (True, False, False)
    """
    return one != other and all(a >= b for a, b in zip(one, other, strict=True))
