"""Tables for a terminal, by rich."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gath_bench.report.grid import ARROWS, BEST, Entry, Grid

if TYPE_CHECKING:
    from rich.console import Console

#: After the best of a column, which is also bold: files and many terminals have no bold face.
STAR = "*"


def print_grids(console: Console, tables: Sequence[Grid]) -> None:
    """Print tables; columns that do not fit the width go on below, the models named again."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    for grid in tables:
        blocks = _fitting(grid, console.width)
        for number, block in enumerate(blocks):
            table = Table(
                # Text, for rich would take the brackets of portraits[root=...] for its own markup.
                title=Text(grid.title) if number == 0 else None, title_justify="left", title_style="bold",
                box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1),
            )  # fmt: skip
            table.add_column("model", no_wrap=True)
            for column in block:
                table.add_column(Text(_header(grid, column)), justify="right", no_wrap=True)
            for model, reference, entries in grid.lines:
                cells = []
                for column in block:
                    entry = entries[column]
                    missing = entry.row is not None and entry.row.value is None
                    # A span and not the text's own style: what is appended is not to be bold as well.
                    text = Text().append(
                        _value(entry), style="bold" if entry.best else "yellow" if missing else ""
                    )
                    if entry.mark:
                        text.append(f" {entry.mark}", style="dim")
                    if entry.interval:
                        text.append(f"\n{entry.interval}", style="dim")
                    cells.append(text)
                table.add_row(Text(model, style="italic" if reference else ""), *cells)
            console.print(table)
        for note in [*([f"{STAR} {BEST}"] if grid.has_best else []), *grid.notes]:
            console.print(Text(f"  {note}", style="dim"), soft_wrap=True)
        console.print()


def _value(entry: Entry) -> str:
    return f"{entry.value}{STAR if entry.best else ''}"


def _header(grid: Grid, column: int) -> str:
    head = grid.columns[column]
    name, _, rest = head.metric.partition(".")
    # A name with a part after the dot names its unit there (`latency_p50_ms`).
    second = " ".join(part for part in (rest or head.unit, head.apart) if part)
    return f"{name}\n{second} {ARROWS[head.direction]}".rstrip()


def _fitting(grid: Grid, width: int) -> list[list[int]]:
    """Cut the columns into blocks that fit side by side."""
    names = max(len(model) for model, _, _ in grid.lines) + 2
    blocks: list[list[int]] = [[]]
    room = width - names
    for column in range(len(grid.columns)):
        wanted = max(len(line) for line in _header(grid, column).split("\n"))
        for _, _, entries in grid.lines:
            entry = entries[column]
            wanted = max(wanted, len(_value(entry)) + 1 + len(entry.mark), len(entry.interval))
        if blocks[-1] and wanted + 3 > room:
            blocks.append([])
            room = width - names
        blocks[-1].append(column)
        room -= wanted + 3
    return blocks
