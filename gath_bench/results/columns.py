"""Columns of the long table as numpy arrays, and words as columns, from Arrow's buffers.

Arrow's ``to_numpy``, ``fill_null``, ``take`` and ``pa.array`` import pandas, which takes longer than a report.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pyarrow as pa

#: Numbers of words, rows, samples or subjects.
Codes = NDArray[np.int64]


def as_numpy(column: pa.ChunkedArray | pa.Array, dtype: type[np.generic], missing: float) -> NDArray[Any]:
    """A numeric column as numpy; null is ``missing``."""
    whole = column.combine_chunks() if hasattr(column, "combine_chunks") else column
    span = slice(whole.offset, whole.offset + len(whole))
    validity, data = whole.buffers()
    values = np.frombuffer(data, dtype)[span].copy()
    if whole.null_count:
        valid = np.unpackbits(np.frombuffer(validity, np.uint8), bitorder="little")[span]
        values[valid == 0] = missing
    return values


def codes(column: pa.ChunkedArray) -> tuple[Codes, list[Any]]:
    """Integer codes of a string column and their words, in alphabetical order; null is -1."""
    whole = column.combine_chunks()
    encoded = whole if hasattr(whole, "indices") else whole.dictionary_encode()
    found = as_numpy(encoded.indices, np.int32, missing=-1)
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


def with_words(table: pa.Table, name: str, rename: Callable[[str], str]) -> pa.Table:
    """The table with the words of one column renamed."""
    import pyarrow as pa

    column = table[name].combine_chunks()
    encoded = column if hasattr(column, "indices") else column.dictionary_encode()
    words = strings([rename(word) for word in encoded.dictionary.to_pylist()])
    return table.set_column(
        table.schema.get_field_index(name), name, pa.DictionaryArray.from_arrays(encoded.indices, words)
    )


def strings(words: Sequence[str]) -> pa.StringArray:
    """Words as an Arrow array, from its buffers: ``pa.array`` imports pandas, which takes longer than a comparison."""
    import pyarrow as pa

    encoded = [word.encode() for word in words]
    ends = np.cumsum([0, *map(len, encoded)], dtype=np.int32)
    return pa.StringArray.from_buffers(len(words), pa.py_buffer(ends), pa.py_buffer(b"".join(encoded)))
