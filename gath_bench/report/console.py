"""Tables for a terminal, printed by rich."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gath_bench.errors import plain_text
from gath_bench.report.table import ARROWS, BEST, Cell, Column, Table, fit_columns

if TYPE_CHECKING:
    from rich.console import Console

#: Follows the best of a column, which is also bold: files and many terminals have no bold face.
STAR = "*"
#: Space between columns.
_GAP = 3


def print_tables(console: Console, tables: Sequence[Table]) -> None:
    """Print tables; columns that do not fit the width follow below, with the model names repeated."""
    from rich import box
    from rich.table import Table as RichTable
    from rich.text import Text

    for table in tables:
        widths = [_GAP + width for width in _widths(table)]
        for block in fit_columns(widths, console.width - table.widest_model - 2):
            # Text, since rich would read the brackets of portraits[root=...] as markup.
            title = Text(plain_text(table.title)) if block.start == 0 else None
            printed = RichTable(title=title, box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
            printed.title_justify, printed.title_style = "left", "bold"
            printed.add_column("model", no_wrap=True)
            for place in block:
                printed.add_column(Text(_header(table.columns[place])), justify="right", no_wrap=True)
            for line in table.lines:
                cells = []
                for cell in line.cells[block.start : block.stop]:
                    # A styled span: the style of the Text itself would also apply to what is appended.
                    style = "bold" if cell.best else "yellow" if cell.missing else ""
                    text = Text().append(_value(cell), style=style)
                    if cell.marks:
                        text.append(f" {cell.marks}", style="dim")
                    if cell.interval:
                        text.append(f"\n{cell.interval}", style="dim")
                    cells.append(text)
                printed.add_row(
                    Text(plain_text(line.model), style="italic" if line.reference else ""), *cells
                )
            console.print(printed)
        for note in [*([f"{STAR} {BEST}"] if table.has_best else []), *table.notes]:
            console.print(Text(f"  {plain_text(note, 2000)}", style="dim"), soft_wrap=True)
        console.print()


def _value(cell: Cell) -> str:
    return f"{cell.value}{cell.dagger}{STAR if cell.best else ''}"


def _header(column: Column) -> str:
    name, _, rest = column.metric.partition(".")
    # A name with a part after the dot contains its unit there (`latency_p50_ms`).
    second = " ".join(part for part in (rest or column.unit, column.apart) if part)
    return f"{name}\n{second} {ARROWS[column.direction]}".rstrip()


def _widths(table: Table) -> list[int]:
    """The width of each column, in letters."""
    widths = []
    for place, column in enumerate(table.columns):
        cells = [line.cells[place] for line in table.lines]
        texts = [len(_value(cell)) + 1 + len(cell.marks) for cell in cells]
        widths.append(
            max(*map(len, _header(column).split("\n")), *texts, *(len(cell.interval) for cell in cells))
        )
    return widths
