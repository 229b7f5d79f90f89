"""The rows of one data set under one protocol, laid out as models by metrics; every text format prints this."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from gath_bench.analysis.summarise import Row
from gath_bench.contracts.keys import ComponentKey
from gath_bench.results.manifest import Manifest

#: After a value that proves less than it seems to, and its footnote.
DAGGER = "†"
TAUGHT = "graded by a network that also taught the model"
ARROWS = {"higher": "↑", "lower": "↓", "none": ""}


@dataclass(frozen=True)
class Column:
    """One summary: name, key, unit and direction; and what sets it apart from a namesake, if it has one."""

    metric: str
    key: str
    unit: str
    direction: str
    apart: str = ""

    def holds(self, row: Row) -> bool:
        """Whether a value belongs here: only values of one key share a column."""
        return (row.metric, row.key) == (self.metric, self.key)

    @property
    def header(self) -> str:
        """``psnr (dB) ↑``, or ``lpips [trunk=alex] ↓`` beside another ``lpips``."""
        unit = f" ({self.unit})" if self.unit else ""
        apart = f" [{self.apart}]" if self.apart else ""
        return f"{self.metric}{apart}{unit} {ARROWS[self.direction]}".rstrip()


@dataclass(frozen=True)
class Entry:
    """One place of a grid, as text: the value, its interval, and a mark for what is not as usual.

    The row is None where a model has no value under a column's key (another precision); the texts are empty.
    """

    value: str
    interval: str
    mark: str
    row: Row | None


@dataclass(frozen=True)
class Grid:
    """One table: a title, the columns, and for each model its entries.

    Attributes:
        title: data set, split, protocol, number of samples.
        columns: the summaries shown.
        lines: (model, whether it sees the target, entries in the columns' order).
        notes: what the marks stand for.
    """

    title: str
    columns: tuple[Column, ...]
    lines: tuple[tuple[str, bool, tuple[Entry, ...]], ...]
    notes: tuple[str, ...]


def grids(manifest: Manifest, rows: Sequence[Row]) -> list[Grid]:
    """The tables of a run: one a data set and protocol, of the primary summaries over all AUs."""
    primary = {
        summary.name: record.display
        for record in manifest.metrics
        for summary in record.summaries
        if summary.primary
    }
    shown = [row for row in rows if row.au is None and row.metric in primary]
    places = dict.fromkeys((row.dataset, row.dataset_key, row.split, row.protocol) for row in shown)
    return [
        _grid(
            manifest,
            [row for row in shown if (row.dataset, row.dataset_key, row.split, row.protocol) == place],
            primary,
        )
        for place in places
    ]


def _grid(manifest: Manifest, rows: Sequence[Row], displays: dict[str, str]) -> Grid:
    columns = _set_apart(
        tuple(dict.fromkeys(Column(row.metric, row.key, row.unit, row.direction) for row in rows))
    )
    notes: dict[str, str] = {}
    lines = []
    sees_target = {cell.model: cell.sees_target for cell in manifest.cells}
    for model in dict.fromkeys(row.model for row in rows):
        entries = []
        for column in columns:
            row = next((row for row in rows if row.model == model and column.holds(row)), None)
            entries.append(_entry(row, displays[column.metric], notes))
        lines.append((model, sees_target[model], tuple(entries)))
    first = rows[0]
    cell = next(
        cell for cell in manifest.cells if (cell.dataset, cell.protocol) == (first.dataset, first.protocol)
    )
    samples = f"{cell.samples} sample{'s' if cell.samples != 1 else ''}"
    title = (
        f"{first.dataset} · {first.split} · {first.protocol} · {samples} · {first.device} · seed {first.seed}"
    )
    return Grid(title, columns, tuple(lines), tuple(f"{mark} {note}" for note, mark in notes.items()))


def _set_apart(columns: tuple[Column, ...]) -> tuple[Column, ...]:
    """Columns of one name told apart by the parameters in which their keys differ."""
    params: dict[str, list[Mapping[str, str]]] = {}
    for column in columns:
        params.setdefault(column.metric, []).append(ComponentKey.parse(column.key).params)
    told = []
    for column in columns:
        mine = ComponentKey.parse(column.key).params
        unlike = [
            f"{name}={value}"
            for name, value in mine.items()
            if any(other.get(name) != value for other in params[column.metric])
        ]
        told.append(replace(column, apart=",".join(unlike)))
    return tuple(told)


def _entry(row: Row | None, display: str, notes: dict[str, str]) -> Entry:
    if row is None:
        return Entry("", "", "", None)
    marks = []
    if row.value is None:
        marks.append(_mark(notes, f"{'failed' if row.status == 'failed' else 'NA'}: {row.reason}"))
        return Entry("failed" if row.status == "failed" else "NA", "", "".join(marks), row)
    if row.coverage < 1 or row.status == "failed":
        marks.append(_mark(notes, f"coverage {row.coverage:.1%} (n = {row.n}): {row.reason}"))
    if row.few_subjects and row.low is not None:
        marks.append(_mark(notes, "few subjects: the interval is likely too short"))
    interval = (
        ""
        if row.low is None or row.high is None
        else f"[{display.format(row.low)}, {display.format(row.high)}]"
    )
    value = display.format(row.value)
    if row.contaminated:
        notes[TAUGHT] = DAGGER
        value += DAGGER
    return Entry(value, interval, " ".join(marks), row)


def _mark(notes: dict[str, str], note: str) -> str:
    """The mark of a note: a, b, c, ... in order of first use."""
    if note not in notes:
        number = sum(mark != DAGGER for mark in notes.values())
        letters = chr(ord("a") + number % 26)
        notes[note] = letters if number < 26 else f"{letters}{number // 26}"
    return notes[note]
