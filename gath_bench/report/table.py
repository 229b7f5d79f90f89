"""The table of one data set under one protocol: models by metrics. Every renderer prints this."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from gath_bench.analysis import SummaryRow, TableKey, mean_ranks, summarise
from gath_bench.analysis.ranking import is_reference
from gath_bench.analysis.significance import LEVEL
from gath_bench.analysis.summarise import row_key
from gath_bench.contracts.keys import ComponentKey, ComponentName
from gath_bench.contracts.metric import Summary
from gath_bench.results.manifest import CellRecord, Manifest, MetricRecord
from gath_bench.results.reader import Run

#: Follows a contaminated value, and its footnote.
DAGGER = "†"
CONTAMINATED = "graded by a network that the model was trained against"
#: Follows a value that is not significantly worse than the best, and its footnote.
TIED = "≈"
NOT_WORSE = f"not significantly worse than the best (Holm-corrected p > {LEVEL}; for speeds by the interval)"
FEW_SUBJECTS = "few subjects: the interval is likely too short"
#: Footnote of the best of a column; each format has its own way to show it.
BEST = "the best of its column; baseline rows and contaminated values are not ranked"
ARROWS = {"higher": "↑", "lower": "↓", "none": ""}


@dataclass(frozen=True)
class Column:
    """One summary of a metric.

    Attributes:
        metric, key, unit, direction: as in its rows.
        apart: how its key differs from the keys of other columns of the same name; empty without one.
        evaluator: the evaluator where the value is not that of the published metric, `Summary.evaluator`.
        display: the format string of its values.
    """

    metric: str
    key: str
    unit: str
    direction: str
    apart: str = ""
    evaluator: str = field(default="", compare=False)
    display: str = field(default="{:.4g}", compare=False)

    def holds(self, row: SummaryRow) -> bool:
        """Whether a value belongs here: only values of one key share a column."""
        return (row.metric, row.key) == (self.metric, self.key)

    @property
    def name(self) -> str:
        """The header without unit and arrow."""
        return f"{self.metric} {self.qualifier}".rstrip()

    @property
    def qualifier(self) -> str:
        """What follows the name: ``[trunk=alex]`` beside another column of the name, or ``(synthfaces trunk)``."""
        if self.apart:
            return f"[{self.apart}]"
        return f"({self.evaluator})" if self.evaluator else ""

    @property
    def header(self) -> str:
        """``psnr (dB) ↑``; beside another ``lpips`` ``lpips [trunk=alex] ↓``, or ``lpips [@2 #ab12cd34] ↓``."""
        unit = f" ({self.unit})" if self.unit else ""
        return f"{self.name}{unit} {ARROWS[self.direction]}".rstrip()

    def text(self, value: float) -> str:
        """A value in the metric's format."""
        return format_value(value, self.display)

    def interval(self, row: SummaryRow) -> str:
        """The 95 % interval of a value, ``[0.074, 0.083]``; empty without one."""
        return "" if row.low is None or row.high is None else f"[{self.text(row.low)}, {self.text(row.high)}]"

    def half_interval(self, row: SummaryRow) -> str:
        """Half of the length of that interval, ``±0.005``; empty without one."""
        return "" if row.low is None or row.high is None else f"±{self.text((row.high - row.low) / 2)}"


@dataclass(frozen=True)
class Cell:
    """One value of a table, as text.

    Attributes:
        row: the value; None where the model has no value under the column's key (another precision).
        value: the number, ``NA`` or ``failed``; empty without a row.
        interval: ``[0.074, 0.083]``, or empty.
        half_interval: ``±0.005``, half of its length, or empty.
        gain: ``0.87``, or empty.
        coverage: ``coverage 92.0% (n = 184)`` where some samples have no value, or empty.
        marks: of the footnotes that apply, such as ``≈ a``.
    """

    row: SummaryRow | None = None
    value: str = ""
    interval: str = ""
    half_interval: str = ""
    gain: str = ""
    coverage: str = ""
    marks: str = ""

    @property
    def best(self) -> bool:
        """Whether it is the best of its column."""
        return self.row is not None and self.row.best

    @property
    def tied(self) -> bool:
        """Whether it is not significantly worse than the best."""
        return self.row is not None and self.row.tied

    @property
    def missing(self) -> bool:
        """Whether there is a row without a value."""
        return self.row is not None and self.row.value is None

    @property
    def dagger(self) -> str:
        """``†`` for a contaminated value, or nothing."""
        contaminated = self.row is not None and self.row.contaminated and not self.missing
        return DAGGER if contaminated else ""

    @property
    def few_subjects(self) -> bool:
        """Whether the interval rests on too few subjects."""
        return self.row is not None and self.row.few_subjects and bool(self.interval)

    @property
    def reason(self) -> str:
        """Why the value, a part of its samples or some of its AUs are missing."""
        return (self.row.reason or "") if self.row is not None else ""

    @property
    def status(self) -> str:
        """``ok``, ``na``, ``failed``, or ``none`` without a row."""
        return "none" if self.row is None else self.row.status

    @property
    def sort(self) -> float | None:
        """The number to sort by; None goes last."""
        return None if self.row is None else self.row.value


@dataclass(frozen=True)
class Line:
    """One model of a table.

    Attributes:
        model: its name.
        reference: whether it is a baseline row (oracle, copy-source, mean-frame), which is not ranked.
        cells: its values, in the order of the columns.
        rank: its mean rank over metrics; None for baseline rows.
    """

    model: str
    reference: bool
    cells: tuple[Cell, ...]
    rank: float | None = None


@dataclass(frozen=True)
class Table:
    """One table.

    Attributes:
        title: data set, split, protocol, number of samples, devices, seed.
        columns: the summaries shown; no two have the same header.
        lines: the models.
        notes: the footnotes, each with its mark in front.
        key: what the table is of; None for a table made by hand.
    """

    title: str
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    notes: tuple[str, ...]
    key: TableKey | None = None

    @property
    def cells(self) -> list[Cell]:
        """All cells, line by line."""
        return [cell for line in self.lines for cell in line.cells]

    @property
    def has_best(self) -> bool:
        """Whether some value is the best of its column: formats then explain how they show it."""
        return any(cell.best for cell in self.cells)

    @property
    def measured(self) -> tuple[int, ...]:
        """The places of the columns in which some model has a value or fails; the others are one line of `absent`."""
        return tuple(
            place
            for place in range(len(self.columns))
            if any(line.cells[place].status in ("ok", "failed") for line in self.lines)
        )

    @property
    def absent(self) -> dict[str, list[str]]:
        """Why columns have no value of any model: reason -> the names of the columns."""
        found: dict[str, list[str]] = {}
        for place, column in enumerate(self.columns):
            if place not in self.measured:
                reasons = dict.fromkeys(line.cells[place].reason for line in self.lines)
                reason = "; ".join(reason for reason in reasons if reason) or "not measured"
                found.setdefault(reason, []).append(column.name)
        return found

    @property
    def absences(self) -> list[str]:
        """One note for each reason of `absent`."""
        return [f"NA for every model: {', '.join(names)} ({reason})" for reason, names in self.absent.items()]

    def notes_of(self, places: Sequence[int]) -> list[str]:
        """The footnotes whose marks the cells of some columns have."""
        cells = [line.cells[place] for line in self.lines for place in places]
        marks = {mark for cell in cells for mark in (*cell.marks.split(), cell.dagger) if mark}
        return [note for note in self.notes if note.split(" ", 1)[0] in marks]

    def select(self, places: Sequence[int]) -> Table:
        """The table of some columns. The letters of its footnotes are consecutive, and follow the symbols."""
        notes = [note.split(" ", 1) for note in self.notes_of(places)]
        symbols = [f"{mark} {text}" for mark, text in notes if mark in (DAGGER, TIED)]
        lettered = [(mark, text) for mark, text in notes if mark not in (DAGGER, TIED)]
        letters = {mark: _letter(number) for number, (mark, _) in enumerate(lettered)}
        lines = []
        for line in self.lines:
            cells = [line.cells[place] for place in places]
            marks = [_in_order(letters.get(mark, mark) for mark in cell.marks.split()) for cell in cells]
            renamed = [replace(cell, marks=mine) for cell, mine in zip(cells, marks, strict=True)]
            lines.append(replace(line, cells=tuple(renamed)))
        return replace(
            self,
            columns=tuple(self.columns[place] for place in places),
            lines=tuple(lines),
            notes=(*symbols, *(f"{letters[mark]} {text}" for mark, text in lettered)),
        )

    @property
    def widest_model(self) -> int:
        """The length of the longest model name."""
        return max(len(line.model) for line in self.lines)


def tables(manifest: Manifest, rows: Sequence[SummaryRow]) -> list[Table]:
    """The tables of a run, one for each data set, split and protocol, of the primary summaries over all AUs.

    A table without any primary summary has no columns.
    """
    cells: dict[TableKey, list[CellRecord]] = {}
    for cell in manifest.cells:
        cells.setdefault(TableKey.of(cell), []).append(cell)
    by_key: dict[TableKey, list[SummaryRow]] = {key: [] for key in cells}
    for row in rows:
        if row.au is None:
            by_key[row.table_key].append(row)
    ranks: dict[tuple[str, ...], float] = {
        (*one.table_key, one.model): one.rank for one in mean_ranks(manifest, rows)
    }
    return [
        _table(manifest, here, by_key[key], _dataset_title(key, cells), ranks) for key, here in cells.items()
    ]


def summary_rows(run: Run, intervals: bool = True, *, headlines: bool = False) -> list[SummaryRow]:
    """The summary rows of a run, without intervals on request; ``headlines`` as for ``summarise``."""
    rows = summarise(run.manifest, run.unordered, headlines=headlines)
    if intervals:
        return rows
    return [replace(row, low=None, high=None, gain_low=None, gain_high=None) for row in rows]


def columns_of(manifest: Manifest, cells: Iterable[CellRecord]) -> dict[Column, tuple[MetricRecord, Summary]]:
    """Every summary that some cells have, in the order of their metrics, with what it is a summary of."""
    found: dict[Column, tuple[MetricRecord, Summary]] = {}
    for cell in cells:
        for record in map(manifest.metric, cell.metrics):
            key = row_key(manifest, cell, record)
            for summary in record.summaries:
                column = Column(
                    summary.name,
                    key,
                    summary.unit,
                    summary.direction,
                    evaluator=summary.evaluator,
                    display=record.display,
                )
                found.setdefault(column, (record, summary))
    return dict(zip(set_apart(tuple(found)), found.values(), strict=True))


def set_apart(columns: tuple[Column, ...]) -> tuple[Column, ...]:
    """Columns with one name get the parts in which their keys differ.

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


def format_value(value: float, display: str) -> str:
    """A value by a format string; zero has no sign.

    >>> format_value(-0.04, "{:.1f}"), format_value(-0.06, "{:.1f}")
    ('0.0', '-0.1')
    """
    text = display.format(value)
    return text.removeprefix("-") if set(text) <= set("-0.,") else text


def fit_columns(widths: Sequence[int], available: int) -> list[range]:
    """Consecutive columns that fit side by side; at least one each.

    >>> fit_columns([10, 10, 30, 5], 20)
    [range(0, 2), range(2, 3), range(3, 4)]
    """
    blocks, start, used = [], 0, 0
    for place, width in enumerate(widths):
        if place > start and used + width > available:
            blocks.append(range(start, place))
            start, used = place, 0
        used += width
    return [*blocks, range(start, len(widths))]


def _dataset_title(key: TableKey, keys: Iterable[TableKey]) -> str:
    """The data set's name, or its key where another data set of that name has a table beside this one."""
    others = [other for other in keys if other != key]
    return (
        key.dataset_key
        if any(other._replace(dataset_key=key.dataset_key) == key for other in others)
        else key.dataset
    )


def _table(
    manifest: Manifest,
    cells: Sequence[CellRecord],
    rows: Sequence[SummaryRow],
    dataset: str,
    ranks: Mapping[tuple[str, ...], float],
) -> Table:
    key = TableKey.of(cells[0])
    columns = tuple(column for column, (_, summary) in columns_of(manifest, cells).items() if summary.primary)
    found = {(row.model, row.metric, row.key): row for row in rows}
    notes: dict[str, str] = {}
    lines = []
    for cell in {cell.model: cell for cell in cells}.values():
        values = tuple(
            _cell(found.get((cell.model, column.metric, column.key)), column, notes) for column in columns
        )
        reference = is_reference(cell, manifest.references)
        lines.append(Line(cell.model, reference, values, ranks.get((*key, cell.model))))
    samples = f"{cells[0].samples} sample{'s' if cells[0].samples != 1 else ''}"
    devices = ", ".join(dict.fromkeys(cell.device or manifest.device for cell in cells))
    title = f"{dataset} · {key.split} · {key.protocol} · {samples} · {devices} · seed {manifest.seed}"
    return Table(title, columns, tuple(lines), tuple(f"{mark} {note}" for note, mark in notes.items()), key)


def _apart(mine: ComponentKey, others: Sequence[ComponentKey]) -> str:
    """The parts of a key that are not the same in all others, as the key writes them: ``trunk=alex @1 #ab12cd34``."""
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
    # A component without a name prints as its parameters in brackets, quoted where they need it.
    return " ".join(part for part in (name, str(ComponentName("", unlike))[1:-1], version, content) if part)


def _cell(row: SummaryRow | None, column: Column, notes: dict[str, str]) -> Cell:
    if row is None:
        return Cell()
    marks = []
    if row.tied:
        notes[NOT_WORSE] = TIED
        marks.append(TIED)
    if row.value is None:
        value = "failed" if row.status == "failed" else "NA"
        marks.append(_mark(notes, f"{value}: {row.reason}"))
        return Cell(row, value, marks=" ".join(marks))
    coverage = ""
    if row.coverage < 1 or row.status == "failed":
        coverage = f"coverage {row.coverage:.1%} (n = {row.n})"
        marks.append(_mark(notes, f"{coverage}: {row.reason}"))
    elif row.reason:
        marks.append(_mark(notes, row.reason))
    interval = column.interval(row)
    if row.few_subjects and interval:
        marks.append(_mark(notes, FEW_SUBJECTS))
    if row.contaminated:
        notes[CONTAMINATED] = DAGGER
    gain = "" if row.gain is None else f"{row.gain:.2f}"
    half = column.half_interval(row)
    return Cell(row, column.text(row.value), interval, half, gain, coverage, " ".join(marks))


def _mark(notes: dict[str, str], note: str) -> str:
    """The mark of a footnote: a, b, c, ... in order of first use."""
    if note not in notes:
        notes[note] = _letter(sum(mark not in (DAGGER, TIED) for mark in notes.values()))
    return notes[note]


def _in_order(marks: Iterable[str]) -> str:
    """Marks of one cell: symbols, then letters.

    >>> _in_order(["b", "a", "≈"])
    '≈ a b'
    """
    return " ".join(sorted(marks, key=lambda mark: (mark.isascii(), len(mark), mark)))


def _letter(number: int) -> str:
    """The mark of footnote ``number``.

    >>> _letter(0), _letter(25), _letter(26)
    ('a', 'z', 'a1')
    """
    letter = chr(ord("a") + number % 26)
    return letter if number < 26 else f"{letter}{number // 26}"
