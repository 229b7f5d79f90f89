"""The observations of a run as integer codes, sorted and indexed once; every statistic takes slices of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gath_bench.analysis.reducers import Array
from gath_bench.results.columns import Codes, codes, numbers, texts

if TYPE_CHECKING:
    import pyarrow as pa

_COLUMNS = ("sample", "au", "subject", "status", "reason", "value")
_WORDS = ("cell", "metric", "observation", "subject", "au", "status", "reason")


@dataclass(frozen=True)
class Part:
    """The values of one observation in one cell, sorted by AU and then by sample; each column is (N,).

    Attributes:
        sample: number of the sample in its cell, below ``size``.
        au, subject, status, reason: codes, -1 for null.
        value: NaN where there is none.
        size: upper limit of the sample numbers.
    """

    sample: Codes
    au: Codes
    subject: Codes
    status: Codes
    reason: Codes
    value: Array
    size: int

    @cached_property
    def known_aus(self) -> Codes:
        """The AU codes that occur, with or without values."""
        starts = np.flatnonzero(np.diff(self.au, prepend=-1))
        return self.au[starts]

    def of(self, au: int) -> Part:
        """The values of one AU."""
        span = slice(*np.searchsorted(self.au, (au, au + 1)))
        columns = {name: getattr(self, name)[span] for name in _COLUMNS}
        return Part(**columns, size=self.size)

    def with_whole(self, au: int) -> list[Part]:
        """The values of one AU, and those that hold for all AUs of a sample (AU -1)."""
        return [self.of(au), self.of(-1)]

    @cached_property
    def seen(self) -> NDArray[np.bool_]:
        """(size,): which samples have a row."""
        return flags(self.sample, self.size)

    @cached_property
    def with_aus(self) -> int:
        """The number of samples with a row of some AU."""
        return int(flags(self.sample[self.au >= 0], self.size).sum())

    @cached_property
    def measured(self) -> NDArray[np.bool_]:
        """(size,): which samples have a value."""
        return flags(self.sample[np.isfinite(self.value)], self.size)


def flags(numbers: Codes, size: int) -> NDArray[np.bool_]:
    """(size,): which numbers occur."""
    found = np.zeros(size, bool)
    found[numbers] = True
    return found


@dataclass(frozen=True)
class Observed:
    """The inputs of a reducer in one cell for each AU (or AU -1 alone), on the samples that have all inputs.

    Attributes:
        aus: the AU codes.
        inputs: for each AU the reducer's inputs, each (N_au,).
        subjects: for each AU the subject codes, (N_au,).
        samples: for each AU the sample numbers, (N_au,), ascending.
    """

    aus: tuple[int, ...]
    inputs: list[tuple[Array, ...]]
    subjects: list[Codes]
    samples: list[Codes]


class ObservationTable:
    """The observations of a run, one row per observation of a sample."""

    def __init__(self, rows: pa.Table) -> None:
        self.words: dict[str, list[Any]] = {}
        columns: dict[str, NDArray[Any]] = {}
        for name in _WORDS:
            found, self.words[name] = codes(rows[name])
            columns[name] = found.astype(np.int32)  # half the memory of the largest tables
        columns["value"] = numbers(rows["value"], np.float64, missing=np.nan)
        columns["sample"], self._size = _sample_numbers(rows)
        self._rows = rows
        self._names: dict[str, int] = {}
        self._sample_names: dict[str, Codes] = {}
        self._order, self._parts = _cut(
            columns, [len(self.words[name]) for name in ("metric", "observation", "au")]
        )
        self._columns = {name: columns[name][self._order] for name in _COLUMNS}
        self._sorted_cell = columns["cell"][self._order]

    def part(self, cell: str, metric: str, observation: str) -> Part:
        """One observation in one cell; empty if there is none."""
        try:
            name = tuple(
                self._index[kind][word]
                for kind, word in zip(_WORDS[:3], (cell, metric, observation), strict=True)
            )
            span = self._parts.get(name, slice(0, 0))
        except KeyError:
            span = slice(0, 0)
        return Part(**{name: column[span] for name, column in self._columns.items()}, size=self._size)

    @cached_property
    def _index(self) -> dict[str, dict[Any, int]]:
        return {kind: {word: code for code, word in enumerate(self.words[kind])} for kind in _WORDS[:3]}

    def sample_id(self, name: int) -> str:
        """The sample id of a code of ``sample_names``."""
        return next(word for word, code in self._names.items() if code == name)

    def sample_names(self, cell: str) -> Codes:
        """(size,): for each sample number of a cell the code of its sample id, equal in all cells; -1 for none.

        Sample numbers are valid within one cell: where a model has no image of some samples, they are different.
        """
        if cell in self._sample_names:
            return self._sample_names[cell]
        first, last = np.searchsorted(
            self._sorted_cell, (self._index["cell"].get(cell, -1) + np.array([0, 1]))
        )
        names = np.full(self._size, -1, np.int64)
        row_of = np.full(self._size, -1, np.int64)
        row_of[self._columns["sample"][first:last]] = self._order[first:last]
        present = np.flatnonzero(row_of >= 0)
        ids = texts(self._rows["sample_id"], row_of[present])
        names[present] = [self._names.setdefault(word, len(self._names)) for word in ids]
        self._sample_names[cell] = names
        return names


def observe(
    observations: ObservationTable, cell: str, metric: str, inputs: Sequence[str]
) -> tuple[list[Part], Observed]:
    """The values of a summary's inputs in a cell, and the aligned inputs of its reducer."""
    parts = [observations.part(cell, metric, name) for name in inputs]
    aus = [int(au) for au in parts[0].known_aus if au >= 0] or [-1]
    chosen = [_aligned([part.of(au) for part in parts]) for au in aus]
    return parts, Observed(tuple(aus), [c[0] for c in chosen], [c[1] for c in chosen], [c[2] for c in chosen])


def _aligned(parts: list[Part]) -> tuple[tuple[Array, ...], Codes, Codes]:
    """The inputs of a reducer on the samples that have all of them, the subjects of these samples, the samples."""
    kept = [np.isfinite(part.value) for part in parts]
    samples = [part.sample[keep] for part, keep in zip(parts, kept, strict=True)]
    values = [part.value[keep] for part, keep in zip(parts, kept, strict=True)]
    subjects = parts[0].subject[kept[0]]
    if all(np.array_equal(samples[0], other) for other in samples[1:]):
        return tuple(values), subjects, samples[0]
    common = reduce(np.logical_and, [flags(numbers, parts[0].size) for numbers in samples])
    inside = [common[numbers] for numbers in samples]
    return (
        tuple(v[i] for v, i in zip(values, inside, strict=True)),
        subjects[inside[0]],
        np.flatnonzero(common),
    )


def on_common(observed: Sequence[tuple[Observed, Codes]]) -> list[Observed]:
    """The inputs of one summary in several cells, on their common AUs and samples, in one order.

    Args:
        observed: for each cell its inputs, and its ``ObservationTable.sample_names``.
    """
    aus = [au for au in observed[0][0].aus if all(au in one.aus for one, _ in observed)]
    made: list[Observed] = [Observed(tuple(aus), [], [], []) for _ in observed]
    for au in aus:
        places = [one.aus.index(au) for one, _ in observed]
        ids = [names[one.samples[p]] for (one, names), p in zip(observed, places, strict=True)]
        same = all(np.array_equal(ids[0], other) for other in ids[1:])
        common = ids[0] if same else reduce(np.intersect1d, ids)
        for (one, _), place, mine, target in zip(observed, places, ids, made, strict=True):
            picked: Codes | slice = slice(None)
            if not same:
                order = np.argsort(mine, kind="stable")
                picked = order[np.searchsorted(mine[order], common)]
            target.inputs.append(tuple(values[picked] for values in one.inputs[place]))
            target.subjects.append(one.subjects[place][picked])
            target.samples.append(common)
    return made


def renumbered(subjects: Sequence[Codes]) -> tuple[list[Codes], int]:
    """Subject codes renumbered together from zero, and the number of subjects."""
    if not subjects:
        return [], 0
    whole = np.concatenate(subjects)
    present = np.flatnonzero(flags(whole, int(whole.max(initial=-1)) + 1))
    numbers = np.searchsorted(present, whole).astype(np.int64)
    return np.split(numbers, np.cumsum([len(group) for group in subjects])[:-1]), len(present)


def _cut(columns: dict[str, NDArray[Any]], sizes: list[int]) -> tuple[Codes, dict[tuple[int, ...], slice]]:
    """The order by cell, metric, observation, AU and sample, and the slice of each observation of a cell in it."""
    metrics, observations, aus = sizes
    group = (columns["cell"].astype(np.int64) * metrics + columns["metric"]) * observations + columns[
        "observation"
    ]
    key = group * (aus + 1) + columns["au"] + 1
    highest = int(key.max(initial=0))
    # Rows are usually sorted by sample: one radix sort is then enough.
    order = np.argsort(key.astype(np.uint16) if highest < 1 << 16 else key, kind="stable")
    sample, sorted_key = columns["sample"][order], key[order]
    if np.any((np.diff(sample) < 0) & (np.diff(sorted_key) == 0)):
        order = np.lexsort((columns["sample"], key))
    sorted_group = group[order]
    starts = np.flatnonzero(np.diff(sorted_group, prepend=-1))
    parts: dict[tuple[int, ...], slice] = {}
    for start, end in zip(starts.tolist(), [*starts[1:].tolist(), len(order)], strict=False):
        rest, observation = divmod(int(sorted_group[start]), observations)
        parts[(*divmod(rest, metrics), observation)] = slice(start, end)
    return order.astype(np.int64, copy=False), parts


def _sample_numbers(rows: pa.Table) -> tuple[Codes, int]:
    """A number for each sample of a cell, by batch and position, and the upper limit of these numbers."""
    batch = numbers(rows["batch"], np.int32, missing=0).astype(np.int64)
    position = numbers(rows["position"], np.int32, missing=0).astype(np.int64)
    if len(batch) == 0:
        return batch, 0
    batch -= batch.min()
    wide = int(position.max()) + 1
    sample, size = batch * wide + position, (int(batch.max()) + 1) * wide
    if size > 10 * len(batch) + 1000:
        _, sample = np.unique(sample, return_inverse=True)
        size = int(sample.max()) + 1
    return sample.astype(np.int64), size
