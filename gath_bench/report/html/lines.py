"""A run -> places (data set, split, protocol), each with its models as lines and its summaries as columns."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from gath_bench.analysis import Row, mean_ranks, summarise
from gath_bench.analysis.summarise import row_key
from gath_bench.contracts.metric import Summary
from gath_bench.report.grid import Column, set_apart
from gath_bench.report.html.samples import Samples
from gath_bench.results.images import IMAGES, ImageStore, input_names
from gath_bench.results.manifest import CellRecord, MetricRecord
from gath_bench.results.reader import Run

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Images = dict[str, NDArray[np.uint8]]


@dataclass(frozen=True, eq=False)
class Source:
    """A run, or several joined, as the page reads it: summarised once, its samples at hand."""

    run: Run

    @cached_property
    def rows(self) -> list[Row]:
        return summarise(self.run.manifest, self.run.rows)

    @cached_property
    def ranks(self) -> dict[tuple[str, ...], float]:
        """The models' mean ranks, by table and model."""
        found = mean_ranks(self.run.manifest, self.rows)
        return {(one.dataset_key, one.split, one.protocol, one.model): one.rank for one in found}

    @cached_property
    def samples(self) -> Samples:
        return Samples(self.run.rows)

    def stored(self, cell: CellRecord) -> tuple[ImageStore, str]:
        """Where a cell's images are kept, and under what name."""
        folder, name = self.run.origin(cell)
        return ImageStore(folder / IMAGES), name


@dataclass(frozen=True, eq=False)
class PlaceColumn:
    """One summary; only values of one key share it."""

    head: Column
    record: MetricRecord
    summary: Summary

    @property
    def name(self) -> str:
        """The header without its arrow."""
        return self.head.metric + (f" [{self.head.apart}]" if self.head.apart else "")

    def text(self, value: float) -> str:
        """A value as the metric wants it shown."""
        return self.record.display.format(value)


@dataclass(frozen=True, eq=False)
class Line:
    """One model at one place.

    Attributes:
        label: its name.
        number: the same for the name throughout the page; its colour.
        source: the run it comes from.
        cells: its cells there; several where joined runs measured other metrics of it.
        reference: whether it is the oracle or copy-source, which compete with nobody.
        rows: its summaries.
    """

    label: str
    number: int
    source: Source
    cells: tuple[CellRecord, ...]
    reference: bool
    rows: tuple[Row, ...]

    @property
    def cell(self) -> CellRecord:
        """Its first cell: what is told of the model is the same in all."""
        return self.cells[0]

    @property
    def rank(self) -> float | None:
        """Its place among the other models, mean over metrics; None for references."""
        cell = self.cell
        return self.source.ranks.get((cell.dataset_key, cell.split, cell.protocol, cell.model))

    def row(self, column: PlaceColumn, au: str | None = None) -> Row | None:
        """The value in a column, or of one AU there."""
        return next((row for row in self.rows if row.au == au and column.head.holds(row)), None)

    def values(self, column: PlaceColumn) -> pd.Series:
        """One value a sample, by sample id."""
        cell = self._cell_of(column)
        return self.source.samples.values(cell.cell_id, column.record.name, column.summary)

    def pairs(self, column: PlaceColumn) -> pd.DataFrame:
        """The two inputs of a summary beside each other."""
        cell = self._cell_of(column)
        return self.source.samples.pairs(cell.cell_id, column.record.name, column.summary)

    def _cell_of(self, column: PlaceColumn) -> CellRecord:
        return next(cell for cell in self.cells if column.record.name in cell.metrics)

    @cached_property
    def kept(self) -> set[str]:
        """The samples whose generated image is kept."""
        stored = [self.source.stored(cell) for cell in self.cells]
        return {sample for store, name in stored for sample in store.samples(name)}

    def painted(self, wanted: Collection[str]) -> Images:
        """Generated images of some samples, uint8 (H, W, 3)."""
        found: Images = {}
        for store, name in (self.source.stored(cell) for cell in self.cells):
            found = store.read(name, wanted) | found
        return found

    def inputs(self, wanted: Collection[str]) -> tuple[Images, Images]:
        """Source portraits and target images of some samples."""
        store, _ = self.source.stored(self.cell)
        source, target = input_names(self.cell)
        return store.read(source, wanted), store.read(target, wanted)


@dataclass(frozen=True, eq=False)
class Place:
    """What of which data set was run; values of unlike places are never in one table."""

    title: str
    dataset_key: str
    lines: tuple[Line, ...]
    columns: tuple[PlaceColumn, ...]

    @property
    def shown(self) -> tuple[PlaceColumn, ...]:
        """The columns of the summary."""
        return tuple(column for column in self.columns if column.summary.primary)


def places(runs: Sequence[Run]) -> tuple[list[Place], list[str]]:
    """The places of all runs, and the names of all models in the order of their numbers."""
    numbers: dict[str, int] = {}
    made = []
    for source in map(Source, runs):
        cells: dict[tuple[str, ...], list[CellRecord]] = {}
        for cell in source.run.manifest.cells:
            cells.setdefault((cell.dataset, cell.dataset_key, cell.split, cell.protocol), []).append(cell)
        for where, here in cells.items():
            rows = [row for row in source.rows if row.place == where]
            lines = tuple(
                _line(source, model, numbers.setdefault(model, len(numbers)), here, rows)
                for model in dict.fromkeys(cell.model for cell in here)
            )
            made.append(Place(_title(source, here[0]), here[0].dataset_key, lines, _columns(source, here)))
    return made, list(numbers)


def _line(source: Source, model: str, number: int, here: Sequence[CellRecord], rows: Sequence[Row]) -> Line:
    cells = tuple(cell for cell in here if cell.model == model)
    reference = cells[0].sees_target or model in source.run.manifest.references.values()
    return Line(model, number, source, cells, reference, tuple(row for row in rows if row.model == model))


def _title(source: Source, cell: CellRecord) -> str:
    samples = f"{cell.samples} sample{'s' if cell.samples != 1 else ''}"
    return f"{cell.dataset} · {cell.split} · {cell.protocol} · {samples} · seed {source.run.manifest.seed}"


def _columns(source: Source, cells: Sequence[CellRecord]) -> tuple[PlaceColumn, ...]:
    manifest = source.run.manifest
    made: dict[Column, tuple[MetricRecord, Summary]] = {}
    for cell in cells:
        for record in map(manifest.metric, cell.metrics):
            for summary in record.summaries:
                column = Column(
                    summary.name, row_key(manifest, cell, record), summary.unit, summary.direction
                )
                made.setdefault(column, (record, summary))
    heads = set_apart(tuple(made))
    return tuple(
        PlaceColumn(head, record, summary)
        for head, (record, summary) in zip(heads, made.values(), strict=True)
    )
