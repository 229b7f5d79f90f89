"""Tables for a terminal, printed by rich."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from gath_bench.errors import plain_text
from gath_bench.report.table import ARROWS, BEST, Cell, Column, Table, fit_columns

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table as RichTable

#: Follows the best of a column, which is also bold: files and many terminals have no bold face.
STAR = "*"
HALF_INTERVAL = "± half of the 95 % interval"
#: Space between columns.
_GAP = 2
#: Longer words of a header are broken at their hyphens and underscores.
_WORD = 10


def print_tables(console: Console, tables: Sequence[Table], *, everything: bool = False) -> None:
    """Print tables.

    Args:
        console: where to.
        tables: what to print.
        everything: print all columns, those that do not fit the width below, with the model names repeated; else
            those that fit, the first value of each metric first, and the names of the others.
    """
    from rich.text import Text

    for table in tables:
        measured = table.measured
        widths = _widths(table)
        available = console.width - table.widest_model - _GAP
        if everything:
            blocks = [
                [measured[place] for place in block]
                for block in fit_columns([_GAP + widths[place] for place in measured], available)
            ]
        else:
            blocks = [_headline(table, measured, widths, available)]
        # Text, since rich would read the brackets of portraits[root=...] as markup.
        console.print(Text(plain_text(table.title), style="bold"))
        shown = [place for block in blocks for place in block]
        selected = table.select(shown)
        for block in blocks:
            if block:
                console.print(_block(selected, [shown.index(place) for place in block]))
        more = [table.columns[place].name for place in measured if place not in shown]
        for note in _notes(selected, table.absences, more):
            console.print(Text(_wrapped(plain_text(note, 2000), console.width), style="dim"), soft_wrap=True)
        console.print()


def _headline(table: Table, measured: Sequence[int], widths: Sequence[int], available: int) -> list[int]:
    """The columns that fit the width, in the order of the table; the first value of each metric has priority."""
    metrics: set[str] = set()
    first: list[int] = []
    rest: list[int] = []
    for place in measured:
        metric = table.columns[place].name.partition(".")[0]
        (rest if metric in metrics else first).append(place)
        metrics.add(metric)
    chosen: list[int] = []
    used = 0
    for place in first + rest:
        used += _GAP + widths[place]
        if used > available and chosen:
            break
        chosen.append(place)
    return sorted(chosen)


def _block(table: Table, places: Sequence[int]) -> RichTable:
    from rich import box
    from rich.table import Table as RichTable
    from rich.text import Text

    printed = RichTable(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, _GAP, 0, 0), show_edge=False)
    printed.add_column("model", no_wrap=True)
    for place in places:
        printed.add_column(Text(_header(table.columns[place])), justify="right", no_wrap=True)
    for line in table.lines:
        cells = []
        for cell in (line.cells[place] for place in places):
            # A styled span: the style of the Text itself would also apply to what is appended.
            style = "bold" if cell.best else "yellow" if cell.missing else ""
            text = Text().append(_value(cell), style=style)
            if cell.marks:
                text.append(f" {cell.marks}", style="dim")
            if cell.half_interval:
                text.append(f"\n{cell.half_interval}", style="dim")
            cells.append(text)
        printed.add_row(Text(plain_text(line.model), style="italic" if line.reference else ""), *cells)
    return printed


def _notes(table: Table, absences: Sequence[str], more: Sequence[str]) -> list[str]:
    """The footnotes of a table of the columns shown; those of columns without values, and the names of the others."""
    notes = [f"{STAR} {BEST}"] if table.has_best else []
    notes += [HALF_INTERVAL] if any(cell.half_interval for cell in table.cells) else []
    notes += table.notes
    notes += absences
    notes += [f"more columns: {', '.join(more)} (gath-bench report RUN --metrics all)"] if more else []
    return notes


def _wrapped(note: str, width: int) -> str:
    """A note in lines of at most ``width`` letters, broken at spaces.

    >>> print(_wrapped("a NA: no target image", 16))
      a NA: no
        target image
    """
    return textwrap.fill(
        note,
        width,
        initial_indent=2 * " ",
        subsequent_indent=4 * " ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _value(cell: Cell) -> str:
    return f"{cell.value}{cell.dagger}{STAR if cell.best else ''}"


def _header(column: Column) -> str:
    name, _, rest = column.metric.partition(".")
    # A name with a part after the dot contains its unit there (`latency_p50_ms`).
    second = " ".join(part for part in (rest or column.unit, column.apart or column.qualifier) if part)
    return f"{_broken(name)}\n{_broken(second)} {ARROWS[column.direction]}".rstrip()


def _broken(text: str) -> str:
    """A header in lines of about `_WORD` letters.

    >>> _broken("background-psnr"), _broken("images_per_s"), _broken("au-error")
    ('background-\\npsnr', 'images_\\nper_s', 'au-error')
    """
    lines = [""]
    for part in text.replace("-", "-\0").replace("_", "_\0").split("\0"):
        if len(text) <= _WORD or len(lines[-1] + part) <= _WORD:
            lines[-1] += part
        else:
            lines.append(part)
    return "\n".join(line for line in lines if line)


def _widths(table: Table) -> list[int]:
    """The width of each column, in letters."""
    widths = []
    for place, column in enumerate(table.columns):
        cells = [line.cells[place] for line in table.lines]
        texts = [f"{_value(cell)} {cell.marks}".rstrip() for cell in cells]
        texts += [cell.half_interval for cell in cells]
        widths.append(max(map(len, (*_header(column).split("\n"), *texts))))
    return widths
