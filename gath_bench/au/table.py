"""Read columns of a CSV file by name; errors name line and column."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gath_bench.errors import UsageError
from gath_bench.files import read_regular

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: Values outside a range by at most this are rounding errors of the text and are clipped.
_ROUNDING = 1e-6
_EMPTY = {"", "nan", "na", "none"}


@dataclass(frozen=True)
class Table:
    """Columns of a CSV file.

    Attributes:
        path: the file.
        lines: line number in the file of each row; the header is line 1.
        cells: column name -> its cells, without surrounding blanks.
    """

    path: Path
    lines: tuple[int, ...]
    cells: dict[str, list[str]]

    def numbers(self, column: str, low: float, high: float, hint: str = "") -> NDArray[np.float64]:
        """A column as float64 (N,); an empty cell or ``nan`` is NaN.

        Raises:
            UsageError: a cell is not a number in [low, high]; the message names line, column and range.
        """
        import numpy as np

        values = np.empty(len(self.lines), dtype=np.float64)
        for row, cell in enumerate(self.cells[column]):
            if cell.lower() in _EMPTY:
                values[row] = np.nan
                continue
            try:
                values[row] = number = float(cell)
            except ValueError:
                raise UsageError(
                    f"{self._where(row, column)} holds {cell!r}, which is not a number: "
                    "correct the cell, or leave it empty if the value is unknown."
                ) from None
            if not low - _ROUNDING <= number <= high + _ROUNDING:
                raise UsageError(
                    f"{self._where(row, column)} holds {cell}, outside [{low:g}, {high:g}]: "
                    f"{hint or 'correct the cell.'}"
                )
        return values.clip(low, high)

    def whole(self, column: str) -> NDArray[np.int64]:
        """A column as int64 (N,); ``3.0`` is 3.

        Raises:
            UsageError: a cell is not a whole number.
        """
        import numpy as np

        values = self.numbers(column, -(2.0**53), 2.0**53)
        wrong = np.flatnonzero(values != np.floor(values))
        if wrong.size:
            row = int(wrong[0])
            raise UsageError(
                f"{self._where(row, column)} holds {self.cells[column][row]!r}, which is not a "
                "whole number: correct the cell."
            )
        return values.astype(np.int64)

    def _where(self, row: int, column: str) -> str:
        return f"{self.path}, line {self.lines[row]}, column {column!r}"


def read_header(path: Path) -> tuple[str, ...]:
    """The column names, without surrounding blanks.

    Raises:
        UsageError: the file cannot be read or is empty.
    """
    with _rows(path) as rows:
        for _, header in rows:
            return tuple(header)
    raise UsageError(f"{path} is empty: give a CSV file with a header line and AU columns.")


def read_columns(path: Path, columns: Iterable[str]) -> Table:
    """Read the named columns; other columns are not kept in memory.

    Raises:
        UsageError: the file cannot be read, has no rows, has a requested column twice, or has a row whose length
            differs from the header.
    """
    header = read_header(path)
    wanted = {name: header.index(name) for name in columns}
    for name in wanted:
        if header.count(name) > 1:
            raise UsageError(f"{path} has the column {name!r} twice: keep one of them.")
    lines: list[int] = []
    cells: dict[str, list[str]] = {name: [] for name in wanted}
    with _rows(path) as rows:
        next(rows)
        for line, row in rows:
            if len(row) != len(header):
                raise UsageError(
                    f"{path}, line {line} has {len(row)} cells under {len(header)} column names: "
                    "the file is damaged or truncated; write it again."
                )
            lines.append(line)
            for name, index in wanted.items():
                cells[name].append(row[index])
    if not lines:
        raise UsageError(f"{path} has a header and no rows: give a file with at least one row.")
    return Table(path, tuple(lines), cells)


@contextmanager
def _rows(path: Path) -> Iterator[Iterator[tuple[int, list[str]]]]:
    """Line number and stripped cells of each row that is not blank."""
    try:
        with io.StringIO(read_regular(path).decode("utf-8-sig"), newline="") as file:
            reader: Any = csv.reader(file, skipinitialspace=True)
            yield ((reader.line_num, [cell.strip() for cell in row]) for row in reader if row and row != [""])
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}; check the path.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path} is not a CSV text file in UTF-8: export it as one.") from error
