"""What the HTML page needs beside a table: the per-sample values and the images of its models."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from gath_bench.analysis import SummaryRow, TableKey
from gath_bench.contracts.metric import Summary
from gath_bench.report.html.samples import Samples
from gath_bench.report.table import Column, Line, Table, columns_of, tables
from gath_bench.results.images import IMAGES, ImageStore, input_names
from gath_bench.results.manifest import CellRecord, Manifest, MetricRecord
from gath_bench.results.reader import Run

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Images = dict[str, NDArray[np.uint8]]


@dataclass(frozen=True, eq=False)
class Source:
    """A run, or several joined runs, with its summary rows and its values per sample."""

    run: Run
    rows: Sequence[SummaryRow]

    @cached_property
    def samples(self) -> Samples:
        return Samples(self.run.observations)

    def stored(self, cell: CellRecord) -> tuple[ImageStore, str]:
        """Where a cell's images are stored, and their name there."""
        folder, name = self.run.origin(cell)
        return ImageStore(folder / IMAGES), name


@dataclass(frozen=True, eq=False)
class PlaceColumn:
    """One summary, primary or not."""

    head: Column
    record: MetricRecord
    summary: Summary


@dataclass(frozen=True, eq=False)
class PlaceLine:
    """One model of a place.

    Attributes:
        line: its line of the table.
        number: of its colour, equal for the model's name in the whole page.
        source: the run that it comes from.
        cells: its cells; several where joined runs have different metrics of it.
        rows: its summary rows.
    """

    line: Line
    number: int
    source: Source
    cells: tuple[CellRecord, ...]
    rows: tuple[SummaryRow, ...]

    @property
    def label(self) -> str:
        """The model's name."""
        return self.line.model

    @property
    def reference(self) -> bool:
        """Whether it is a baseline row."""
        return self.line.reference

    @property
    def cell(self) -> CellRecord:
        """Its first cell; the model is the same in all."""
        return self.cells[0]

    @property
    def manifest(self) -> Manifest:
        """The manifest of its run."""
        return self.source.run.manifest

    def row(self, column: PlaceColumn, au: str | None = None) -> SummaryRow | None:
        """The value in a column, over all AUs or of one AU."""
        return next((row for row in self.rows if row.au == au and column.head.holds(row)), None)

    def values(self, column: PlaceColumn) -> pd.Series:
        """One value per sample, indexed by sample id."""
        return self.source.samples.values(self._cell_of(column), column.record.name, column.summary)

    def pairs(self, column: PlaceColumn) -> pd.DataFrame:
        """The two inputs of a summary in one data frame."""
        return self.source.samples.pairs(self._cell_of(column), column.record.name, column.summary)

    def _cell_of(self, column: PlaceColumn) -> str:
        return next(cell.cell_id for cell in self.cells if column.record.name in cell.metrics)

    @cached_property
    def stored_samples(self) -> set[str]:
        """The ids of the samples whose generated image is stored."""
        stored = [self.source.stored(cell) for cell in self.cells]
        return {sample for store, name in stored for sample in store.samples(name)}

    def generated(self, wanted: Collection[str]) -> Images:
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
    """One data set, split and protocol: its table, and what the figures show.

    Attributes:
        table: of the primary summaries.
        lines: the models, in the order of the table's lines.
        columns: all summaries; the primary ones in the order of the table's columns.
    """

    table: Table
    lines: tuple[PlaceLine, ...]
    columns: tuple[PlaceColumn, ...]

    @property
    def shown(self) -> tuple[PlaceColumn, ...]:
        """The columns of the table."""
        return tuple(column for column in self.columns if column.summary.primary)

    @property
    def dataset_key(self) -> str:
        """The data set's key."""
        return self.lines[0].cell.dataset_key


def places(sources: Sequence[Source]) -> tuple[list[Place], list[str]]:
    """The places of all runs, and the names of all models in the order of their numbers."""
    numbers: dict[str, int] = {}
    made = []
    for source in sources:
        manifest = source.run.manifest
        for table in tables(manifest, source.rows):
            cells = [cell for cell in manifest.cells if TableKey.of(cell) == table.key]
            rows = [row for row in source.rows if row.table_key == table.key]
            lines = tuple(
                PlaceLine(
                    line=line,
                    number=numbers.setdefault(line.model, len(numbers)),
                    source=source,
                    cells=tuple(cell for cell in cells if cell.model == line.model),
                    rows=tuple(row for row in rows if row.model == line.model),
                )
                for line in table.lines
            )
            columns = columns_of(manifest, cells).items()
            made.append(Place(table, lines, tuple(PlaceColumn(head, *of) for head, of in columns)))
    return made, list(numbers)
