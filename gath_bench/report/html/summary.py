"""The summary table of a place: what stands in each of its cells, and how it is marked."""

from __future__ import annotations

from dataclasses import dataclass

from gath_bench.analysis import Row
from gath_bench.report.grid import DAGGER
from gath_bench.report.html.lines import Line, Place, PlaceColumn


@dataclass(frozen=True)
class Shown:
    """One cell of the table.

    Attributes:
        value: as text; "NA", "failed", or empty where the model has no value under this key.
        sort: the number to sort by; None goes last.
        interval: as text, or empty.
        best: the best of the models that compete.
        tied: not significantly worse than the best.
        gain: from 0 (copy-source) to 1 (oracle), as text, or empty.
        dagger: "†" where a network that graded it also taught the model.
        coverage: such as "coverage 92.0 %", or empty where it is full.
        few_subjects: whether the interval rests on too few subjects.
        reason: why something is missing.
        status: "ok", "na", "failed" or "none".
    """

    value: str
    sort: float | None = None
    interval: str = ""
    best: bool = False
    tied: bool = False
    gain: str = ""
    dagger: str = ""
    coverage: str = ""
    few_subjects: bool = False
    reason: str = ""
    status: str = "none"


def table(place: Place) -> list[tuple[Line, list[Shown]]]:
    """The lines of the summary: the mean rank, where models have one, and the columns shown."""
    ranks = [_rank(line) for line in place.lines] if has_ranks(place) else []
    return [
        (line, [*ranks[at : at + 1], *(_shown(line.row(column), column) for column in place.shown)])
        for at, line in enumerate(place.lines)
    ]


def has_ranks(place: Place) -> bool:
    """Whether the models have a mean rank."""
    return any(line.rank is not None for line in place.lines)


def _rank(line: Line) -> Shown:
    return Shown("") if line.rank is None else Shown(f"{line.rank:.1f}", sort=line.rank, status="ok")


def _shown(row: Row | None, column: PlaceColumn) -> Shown:
    if row is None:
        return Shown("")
    if row.value is None:
        word = "failed" if row.status == "failed" else "NA"
        return Shown(word, reason=row.reason or "", status=row.status)
    partial = row.coverage < 1 or row.status == "failed"
    return Shown(
        value=column.text(row.value),
        sort=row.value,
        interval=interval(row, column),
        best=row.best,
        tied=row.tied,
        gain="" if row.gain is None else f"{row.gain:.2f}",
        dagger=DAGGER if row.contaminated else "",
        coverage=f"coverage {row.coverage:.1%} (n = {row.n})" if partial else "",
        few_subjects=row.few_subjects and row.low is not None,
        reason=(row.reason or "") if partial else "",
        status=row.status,
    )


def interval(row: Row, column: PlaceColumn) -> str:
    """The 95 % interval as text, or nothing."""
    return "" if row.low is None or row.high is None else f"{column.text(row.low)} – {column.text(row.high)}"
