"""Progress on standard error: a bar per cell on a terminal, a line per cell elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from gath_bench.engine.cell import Progress
from gath_bench.suite.plan import Plan


@contextmanager
def progress_bars(plan: Plan) -> Iterator[Progress]:
    """The progress callback of ``execute``, and the components that were left out."""
    if plan.skipped:
        print(f"not installed, left out: {', '.join(plan.skipped)}", file=sys.stderr)
    totals = {cell.cell_id: len(cell.samples) for cell in plan.cells}
    if not sys.stderr.isatty():
        done = dict.fromkeys(totals, 0)

        def line(cell_id: str, count: int) -> None:
            done[cell_id] += count
            if count and done[cell_id] == totals[cell_id]:
                print(f"{cell_id}: {totals[cell_id]} samples", file=sys.stderr, flush=True)

        yield line
        return

    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    with Bars(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as bars:
        whole = bars.add_task("all cells", total=sum(totals.values()))
        tasks = {}

        def advance(cell_id: str, count: int) -> None:
            if cell_id not in tasks:
                tasks[cell_id] = bars.add_task(cell_id, total=totals[cell_id])
            bars.advance(tasks[cell_id], count)
            bars.advance(whole, count)
            if bars.tasks[tasks[cell_id]].finished:
                bars.update(tasks[cell_id], visible=False)

        yield advance
