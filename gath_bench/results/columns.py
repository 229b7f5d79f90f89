"""Columns of Arrow tables as numpy arrays, from Arrow's buffers.

Arrow's own ways (``to_numpy``, ``dictionary_encode``, ``take``) import pandas or ``pyarrow.compute``, which takes
longer than reading a run.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pyarrow as pa

Codes = NDArray[np.int64]


def numbers(column: pa.ChunkedArray | pa.Array, dtype: type[np.generic], missing: float) -> NDArray[Any]:
    """A numeric column, (N,), with ``missing`` in place of null."""
    whole = column.combine_chunks() if hasattr(column, "combine_chunks") else column
    span = slice(whole.offset, whole.offset + len(whole))
    validity, data = whole.buffers()
    values = np.frombuffer(data, dtype)[span].copy()
    if whole.null_count:
        valid = np.unpackbits(np.frombuffer(validity, np.uint8), bitorder="little")[span]
        values[valid == 0] = missing
    return values


def codes(column: pa.ChunkedArray) -> tuple[Codes, list[Any]]:
    """Integer codes of a string column, (N,), and their words in alphabetical order; null is -1."""
    whole = column.combine_chunks()
    encoded = whole if hasattr(whole, "indices") else whole.dictionary_encode()
    found = numbers(encoded.indices, np.int32, missing=-1)
    words: list[Any] = encoded.dictionary.to_pylist()
    # In alphabetical order, so that intervals do not depend on the order of rows in the shards.
    order = sorted(range(len(words)), key=words.__getitem__)
    ranks = np.empty(len(words) + 1, np.int64)
    ranks[order], ranks[-1] = np.arange(len(words)), -1
    return ranks[found], [words[number] for number in order]


def distinct(table: pa.Table, names: Sequence[str]) -> list[dict[str, Any]]:
    """The distinct combinations of words in some columns, in alphabetical order."""
    columns = [codes(table[name]) for name in names]
    sizes = [len(words) + 1 for _, words in columns]
    key = np.ravel_multi_index([found + 1 for found, _ in columns], sizes)
    places = zip(*np.unravel_index(np.unique(key), sizes), strict=True)
    return [
        {
            name: words[code - 1] if code else None
            for name, (_, words), code in zip(names, columns, place, strict=True)
        }
        for place in places
    ]


def texts(column: pa.ChunkedArray, places: Codes) -> list[str]:
    """The words of a string column at some rows; those of the other rows are not decoded."""
    whole = column.combine_chunks()
    if hasattr(whole, "indices"):
        words = whole.dictionary.to_pylist()
        return [words[code] for code in numbers(whole.indices, np.int32, missing=-1)[places].tolist()]
    _, offsets, data = whole.buffers()
    ends = np.frombuffer(offsets, np.int32)[whole.offset :]
    starts, stops = ends[places].tolist(), ends[places + 1].tolist()
    content = memoryview(data) if data is not None else memoryview(b"")
    return [str(content[start:stop], "utf-8") for start, stop in zip(starts, stops, strict=True)]
