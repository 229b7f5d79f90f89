"""Progress on standard error: ``[3/10] gath-warp on synthfaces 120/200 0:00:12, 0:01:40 left``.

A terminal shows the line of the current cell and keeps the line of each finished cell. Elsewhere (a log file) a line is
printed when a cell is finished, and once a minute within a cell.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import timedelta

from gath_bench.engine.cell import Progress
from gath_bench.suite.plan import Cell, Plan

#: Seconds between two lines of one cell in a log file.
LOG_SECONDS = 60.0


class ProgressLine:
    """The progress of a run as one line.

    Args:
        plan: the cells of the run.
        clock: seconds, monotonic.
        finished: ids of cells that are not measured, since an earlier process has finished them.
    """

    def __init__(
        self, plan: Plan, clock: Callable[[], float] = time.monotonic, finished: Collection[str] = ()
    ) -> None:
        protocols: dict[str, set[str]] = {}
        for cell in plan.cells:
            protocols.setdefault(str(cell.dataset.name), set()).add(cell.protocol)
        self._labels = {
            cell.cell_id: f"[{number}/{len(plan.cells)}] {_label(cell, protocols)}"
            for number, cell in enumerate(plan.cells, 1)
        }
        self._totals = {cell.cell_id: len(cell.samples) for cell in plan.cells}
        self._done = {cell: count if cell in finished else 0 for cell, count in self._totals.items()}
        self._measured = 0
        self._clock = clock
        self._start = self._begun = self._updated = clock()
        self.cell: str | None = None

    def advance(self, cell_id: str, count: int) -> None:
        """Count the samples of a cell that were just finished; its first call counts those of a resumed run."""
        if cell_id != self.cell:
            self.cell, self._begun = cell_id, self._clock()
        else:
            self._measured += count
            self._updated = self._clock()
        self._done[cell_id] += count

    @property
    def finished(self) -> bool:
        """Whether the current cell is finished."""
        return self.cell is not None and self._done[self.cell] >= self._totals[self.cell]

    @property
    def seconds_left(self) -> float | None:
        """How long the rest of the run takes at the mean speed so far; None before the first measured sample."""
        if not self._measured:
            return None
        left = sum(self._totals.values()) - sum(self._done.values())
        seconds_per_sample = (self._updated - self._start) / self._measured
        return max(0.0, left * seconds_per_sample - (self._clock() - self._updated))

    def text(self, width: int | None = None) -> str:
        """The line; names are cut where it would be longer than ``width`` letters."""
        if self.cell is None:
            return "starting"
        label = self._labels[self.cell]
        count = (
            f" {self._done[self.cell]}/{self._totals[self.cell]} {clock_text(self._clock() - self._begun)}"
        )
        left = self.seconds_left
        if left:
            count += f", {clock_text(left)} left"
        if width is not None and len(label) + len(count) > width:
            label = label[: max(1, width - len(count) - 1)] + "…"
        return label + count


def clock_text(seconds: float) -> str:
    """Hours, minutes and seconds.

    >>> clock_text(12.7), clock_text(3725), clock_text(90000)
    ('0:00:12', '1:02:05', '1 day, 1:00:00')
    """
    return str(timedelta(seconds=int(seconds)))


@contextmanager
def progress_line(plan: Plan, finished: Collection[str] = ()) -> Iterator[Progress]:
    """The progress callback of ``execute``; also prints the components that were left out.

    Args:
        plan: the cells of the run.
        finished: ids of cells that an earlier process of this run has finished.
    """
    if plan.skipped:
        print(f"not installed, left out: {', '.join(plan.skipped)}", file=sys.stderr)
    line = ProgressLine(plan, finished=finished)
    if sys.stderr.isatty():
        with _on_terminal(line) as advance:
            yield advance
    else:
        yield _in_log(line)


def _label(cell: Cell, protocols: dict[str, set[str]]) -> str:
    """The model and the data set of a cell, with the protocol where the data set has several."""
    dataset = str(cell.dataset.name)
    protocol = f" ({cell.protocol})" if len(protocols[dataset]) > 1 else ""
    return f"{cell.model.name} on {dataset}{protocol}"


def _in_log(line: ProgressLine) -> Progress:
    printed = time.monotonic()

    def advance(cell_id: str, count: int) -> None:
        nonlocal printed
        line.advance(cell_id, count)
        if count and (line.finished or time.monotonic() - printed > LOG_SECONDS):
            printed = time.monotonic()
            print(line.text(), file=sys.stderr, flush=True)

    return advance


@contextmanager
def _on_terminal(line: ProgressLine) -> Iterator[Progress]:
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    console = Console(stderr=True)

    def shown() -> Text:
        return Text(line.text(console.width - 1), no_wrap=True)

    # Redraws by itself, so that the time goes on within a long batch.
    with Live(get_renderable=shown, console=console, transient=True, refresh_per_second=2) as live:

        def advance(cell_id: str, count: int) -> None:
            line.advance(cell_id, count)
            if count and line.finished:
                live.refresh()
                live.console.print(Text(line.text()), soft_wrap=True)

        yield advance
