"""The rows of one data set under one protocol, laid out as models by metrics; every text format prints this."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from gath_bench.analysis.significance import LEVEL
from gath_bench.analysis.summarise import Row, row_key
from gath_bench.contracts.keys import ComponentKey, ComponentName
from gath_bench.results.manifest import Manifest

#: After a value that proves less than it seems to, and its footnote.
DAGGER = "†"
TAUGHT = "graded by a network that also taught the model"
#: Beside a value that is as good as the best as far as the samples tell, and its footnote.
TIE = "≈"
AS_GOOD = f"not significantly worse than the best (Holm-corrected p > {LEVEL}; for speeds by the interval)"
#: What the best of a column is; how it is shown is each format's own.
BEST = "the best of its column; reference rows and contaminated values take no part"
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
        """``psnr (dB) ↑``; beside another ``lpips`` ``lpips [trunk=alex] ↓``, or ``lpips [@2 #ab12cd34] ↓``."""
        unit = f" ({self.unit})" if self.unit else ""
        apart = f" [{self.apart}]" if self.apart else ""
        return f"{self.metric}{apart}{unit} {ARROWS[self.direction]}".rstrip()


@dataclass(frozen=True)
class Entry:
    """One place of a grid, as text: the value, its interval, and marks for what the notes tell of it.

    The row is None where a model has no value under a column's key (another precision); the texts are empty.
    """

    value: str
    interval: str
    mark: str
    row: Row | None

    @property
    def best(self) -> bool:
        """Whether it is the best of its column."""
        return self.row is not None and self.row.best


@dataclass(frozen=True)
class Grid:
    """One table: a title, the columns, and for each model its entries.

    Attributes:
        title: data set, split, protocol, number of samples, devices, seed.
        columns: the summaries shown; no two have the same header.
        lines: (model, whether it is a reference row, entries in the columns' order).
        notes: what the marks stand for.
    """

    title: str
    columns: tuple[Column, ...]
    lines: tuple[tuple[str, bool, tuple[Entry, ...]], ...]
    notes: tuple[str, ...]

    @property
    def has_best(self) -> bool:
        """Whether some value is the best of its column: formats then say how they show it."""
        return any(entry.best for _, _, entries in self.lines for entry in entries)


def grids(manifest: Manifest, rows: Sequence[Row]) -> list[Grid]:
    """The tables of a run: one a data set, split and protocol, of the primary summaries over all AUs."""
    displays = _displays(manifest)
    shown = [row for row in rows if row.au is None and (row.metric, row.key) in displays]
    places: dict[tuple[str, str, str, str], list[Row]] = {}
    for row in shown:
        places.setdefault(row.place, []).append(row)
    return [_grid(manifest, here, displays, _dataset(place, places)) for place, here in places.items()]


def _displays(manifest: Manifest) -> dict[tuple[str, str], str]:
    """How the values of each primary summary are shown, by name and key: joined runs may have two of one name."""
    found: dict[tuple[str, str], str] = {}
    for cell in manifest.cells:
        for record in map(manifest.metric, cell.metrics):
            key = row_key(manifest, cell, record)
            for summary in record.summaries:
                if summary.primary:
                    found.setdefault((summary.name, key), record.display)
    return found


def _dataset(place: tuple[str, str, str, str], places: Iterable[tuple[str, str, str, str]]) -> str:
    """The data set's name; its key where another data set of that name has a table of its own beside this one."""
    name, key, *rest = place
    namesakes = (other for other in places if other != place)
    return key if any([other[0], *other[2:]] == [name, *rest] for other in namesakes) else name


def _grid(
    manifest: Manifest, rows: Sequence[Row], displays: Mapping[tuple[str, str], str], dataset: str
) -> Grid:
    first = rows[0]
    cells = {
        cell.model: cell
        for cell in manifest.cells
        if (cell.dataset, cell.dataset_key, cell.split, cell.protocol) == first.place
    }
    columns = set_apart(
        tuple(dict.fromkeys(Column(row.metric, row.key, row.unit, row.direction) for row in rows))
    )
    found = {(row.model, row.metric, row.key): row for row in rows}
    notes: dict[str, str] = {}
    lines = []
    for model in dict.fromkeys(row.model for row in rows):
        entries = tuple(
            _entry(found.get((model, column.metric, column.key)), displays[column.metric, column.key], notes)
            for column in columns
        )
        reference = cells[model].sees_target or model in manifest.references.values()
        lines.append((model, reference, entries))
    count = cells[first.model].samples
    samples = f"{count} sample{'s' if count != 1 else ''}"
    devices = ", ".join(dict.fromkeys(row.device for row in rows))
    title = f"{dataset} · {first.split} · {first.protocol} · {samples} · {devices} · seed {first.seed}"
    return Grid(title, columns, tuple(lines), tuple(f"{mark} {note}" for note, mark in notes.items()))


def set_apart(columns: tuple[Column, ...]) -> tuple[Column, ...]:
    """Columns of one summary told apart by the parts in which their keys differ.

    The parts are component name, parameters, version and hash, so that unlike keys never have the same header.

    >>> keys = ["lpips[size=64,trunk=alex]@1#aa", "lpips[size=64,trunk=alex]@2#bb"]
    >>> [column.header for column in set_apart(tuple(Column("lpips", key, "", "lower") for key in keys))]
    ['lpips [@1 #aa] ↓', 'lpips [@2 #bb] ↓']
    """
    namesakes: dict[str, list[ComponentKey]] = {}
    for column in columns:
        namesakes.setdefault(column.metric, []).append(ComponentKey.parse(column.key))
    return tuple(
        replace(column, apart=_apart(ComponentKey.parse(column.key), namesakes[column.metric]))
        for column in columns
    )


def _apart(mine: ComponentKey, others: Sequence[ComponentKey]) -> str:
    """What of a key is not the same in all others, as the key writes it: ``trunk=alex @1 #ab12cd34``."""
    unlike = {
        name: value
        for name, value in mine.params.items()
        if any(other.params.get(name) != value for other in others)
    }
    name = mine.name if any(other.name != mine.name for other in others) else ""
    version = f"@{mine.version}" if any(other.version != mine.version for other in others) else ""
    content = (
        f"#{mine.shown_hash}"
        if mine.hash and any(other.shown_hash != mine.shown_hash for other in others)
        else ""
    )
    # A nameless component prints as its parameters in brackets, quoted where they need it.
    return " ".join(part for part in (name, str(ComponentName("", unlike))[1:-1], version, content) if part)


def _entry(row: Row | None, display: str, notes: dict[str, str]) -> Entry:
    if row is None:
        return Entry("", "", "", None)
    marks = []
    if row.tied:
        notes[AS_GOOD] = TIE
        marks.append(TIE)
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
        number = sum(mark not in (DAGGER, TIE) for mark in notes.values())
        letters = chr(ord("a") + number % 26)
        notes[note] = letters if number < 26 else f"{letters}{number // 26}"
    return notes[note]
