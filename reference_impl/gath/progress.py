"""What a training says: a bar with the time left on standard error, numbers and pictures in the run folder."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from torch import Tensor

from gath_bench.images import write_png

LOG = "log.jsonl"
SAMPLES = "samples"
#: Seconds between two lines where there is no terminal for a bar.
_LINE_EVERY = 15.0
_RATE_OVER = 0.9


def clock(seconds: float) -> str:
    """A time in words.

    >>> clock(42), clock(600), clock(7500)
    ('42 s', '10 min', '2 h 05 min')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


class Voice:
    """Progress, log and pictures; silent on every rank but the first.

    Args:
        folder: the run folder.
        loud: whether this rank speaks.
    """

    def __init__(self, folder: Path, loud: bool) -> None:
        self.folder, self.loud = folder, loud
        self._bar: Any = None
        self._task: Any = None
        self._name, self._last, self._spoken = "", (0, time.monotonic()), 0.0
        self._per_step: float | None = None
        self._board: Any = _tensorboard(folder) if loud else None

    def say(self, sentence: str) -> None:
        """One line on standard error."""
        if self.loud:
            if self._bar is None:
                click.echo(sentence, err=True)
            else:  # a model's [brackets] are no markup
                self._bar.console.print(sentence, markup=False, highlight=False)

    def advance(self, name: str, done: int, total: int, words: str = "") -> None:
        """``done`` of ``total`` steps (or images) of a stage."""
        if not self.loud:
            return
        now = time.monotonic()
        if name != self._name or done < self._last[0]:
            self._begin(name, total)
            self._last, self._per_step, self._spoken = (done, now), None, now
        elif done > self._last[0]:
            took = (now - self._last[1]) / (done - self._last[0])
            old = self._per_step
            self._per_step = took if old is None else _RATE_OVER * old + (1 - _RATE_OVER) * took
            self._last = (done, now)
        left = "" if self._per_step is None else f"{clock(self._per_step * (total - done))} left"
        if self._bar is not None:
            self._bar.update(self._task, completed=done, total=total, words=f"{left}  {words}")
            if done >= total:
                self._end()
        elif done >= total or now - self._spoken >= _LINE_EVERY:
            self._spoken = now
            click.echo(f"{name}: {done}/{total}  {left}  {words}".rstrip(), err=True)

    def _begin(self, name: str, total: int) -> None:
        self._end()
        self._name = name
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

            columns = (
                TextColumn("{task.description:<10}"),
                BarColumn(20),
                MofNCompleteColumn(),
                TextColumn("{task.fields[words]}"),
            )
            self._bar = Progress(*columns, console=Console(stderr=True))
            self._bar.start()
            self._task = self._bar.add_task(name, total=total, words="")

    def _end(self) -> None:
        if self._bar is not None:
            self._bar.stop()
        self._bar, self._name = None, ""

    def log(self, stage: str, step: int, values: Mapping[str, float]) -> None:
        """One line of ``log.jsonl``, and TensorBoard's scalars where it is installed."""
        if not self.loud:
            return
        line = {"stage": stage, "step": step, **{name: _short(value) for name, value in values.items()}}
        with (self.folder / LOG).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        if self._board is not None:
            for name, value in values.items():
                self._board.add_scalar(f"{stage}/{name}", value, step)

    def picture(self, stage: str, step: int, image: Tensor) -> None:
        """A picture (3, H, W) in [0, 1] of this step."""
        if not self.loud:
            return
        (self.folder / SAMPLES).mkdir(exist_ok=True)
        write_png(self.folder / SAMPLES / f"{stage}-{step:06d}.png", image)
        if self._board is not None:
            self._board.add_image(stage, image, step)

    def close(self) -> None:
        """Leave the terminal as it was."""
        self._end()
        if self._board is not None:
            self._board.close()


def forget_after(folder: Path, stage: str, step: int) -> None:
    """Drop log lines at or after a step of a stage: a resumed training writes them again."""
    path = folder / LOG
    if not path.exists():
        return
    kept = []
    for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
        try:
            said = json.loads(line)
        except ValueError:  # cut off in the middle
            break
        if said["stage"] == stage and said["step"] >= step:
            break
        kept.append(line)
    path.write_text("".join(kept), encoding="utf-8")


def _short(value: float) -> float:
    return float(f"{value:.6g}")


def _tensorboard(folder: Path) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(folder / "tensorboard"))
