"""The long rows as integer codes, sorted and cut up once; every statistic takes slices of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gath_bench.analysis.reducers import Array

if TYPE_CHECKING:
    import pyarrow as pa

Codes = NDArray[np.int64]
_WORDS = ("cell", "metric", "observation", "subject", "au", "status", "reason")


@dataclass(frozen=True)
class Part:
    """The rows of one observation in one cell, sorted by AU and then by sample; each column is (N,).

    Attributes:
        sample: number of the sample in its cell, below ``room``.
        au, subject, status, reason: codes, -1 for null.
        value: NaN where there is none.
        room: how many numbers samples may have.
    """

    sample: Codes
    au: Codes
    subject: Codes
    status: Codes
    reason: Codes
    value: Array
    room: int

    @cached_property
    def known_aus(self) -> Codes:
        """The AUs that there are values of, or might have been."""
        starts = np.flatnonzero(np.diff(self.au, prepend=-1))
        return self.au[starts]

    def _span(self, au: int) -> slice:
        return slice(*np.searchsorted(self.au, (au, au + 1)))

    def of(self, au: int) -> Part:
        """The rows of one AU."""
        span = self._span(au)
        return Part(
            self.sample[span], self.au[span], self.subject[span], self.status[span], self.reason[span],
            self.value[span], self.room,
        )  # fmt: skip

    def with_whole(self, au: int) -> list[Part]:
        """The rows of one AU, and those that stand for all AUs of a sample at once."""
        return [self.of(au), self.of(-1)]

    @cached_property
    def seen(self) -> NDArray[np.bool_]:
        """(room,): the samples that have a row."""
        return flags(self.sample, self.room)

    @cached_property
    def with_aus(self) -> int:
        """How many samples have a row of some AU."""
        return int(flags(self.sample[self.au >= 0], self.room).sum())

    @cached_property
    def measured(self) -> NDArray[np.bool_]:
        """(room,): the samples that have a value."""
        return flags(self.sample[np.isfinite(self.value)], self.room)


def flags(numbers: Codes, room: int) -> NDArray[np.bool_]:
    """(room,): which numbers occur."""
    found = np.zeros(room, bool)
    found[numbers] = True
    return found


@dataclass(frozen=True)
class Observed:
    """What a reducer takes in one cell: its inputs AU by AU (or once, AU -1), on the samples that have them all.

    Attributes:
        aus: the AU codes.
        inputs: for each AU the reducer's inputs, each (N_au,).
        subjects: for each AU the subject codes, (N_au,).
        samples: for each AU the sample numbers, (N_au,), rising.
    """

    aus: tuple[int, ...]
    inputs: list[tuple[Array, ...]]
    subjects: list[Codes]
    samples: list[Codes]


class Frame:
    """The long rows of a run."""

    def __init__(self, rows: pa.Table) -> None:
        self.words: dict[str, list[Any]] = {}
        columns: dict[str, NDArray[Any]] = {}
        for name in _WORDS:
            columns[name], self.words[name] = codes(rows[name])
        columns["value"] = _numbers(rows["value"], np.float64, missing=np.nan)
        columns["sample"], self._room = _sample_numbers(rows)
        self._rows = rows
        self._names: dict[str, int] = {}
        self._sample_names: dict[str, Codes] = {}
        self._order, self._parts = _cut(
            columns, [len(self.words[name]) for name in ("metric", "observation", "au")]
        )
        self._columns = {
            name: columns[name][self._order]
            for name in ("sample", "au", "subject", "status", "reason", "value")
        }
        self._sorted_cell = columns["cell"][self._order]

    def part(self, cell: str, metric: str, observation: str) -> Part:
        """One observation in one cell; empty if it was never observed."""
        try:
            name = tuple(
                self._index[kind][word]
                for kind, word in zip(_WORDS[:3], (cell, metric, observation), strict=True)
            )
            span = self._parts.get(name, slice(0, 0))
        except KeyError:
            span = slice(0, 0)
        return Part(**{name: column[span] for name, column in self._columns.items()}, room=self._room)

    @cached_property
    def _index(self) -> dict[str, dict[Any, int]]:
        return {kind: {word: code for code, word in enumerate(self.words[kind])} for kind in _WORDS[:3]}

    def sample_id(self, name: int) -> str:
        """The sample's id that a code of ``sample_names`` stands for."""
        return next(word for word, code in self._names.items() if code == name)

    def sample_names(self, cell: str) -> Codes:
        """(room,): for each sample number of a cell a code of the sample's id, the same in all cells; -1 for none.

        Numbers are of a cell alone: where a model has no image of some samples, they are counted otherwise.
        """
        if cell in self._sample_names:
            return self._sample_names[cell]
        first, last = np.searchsorted(
            self._sorted_cell, (self._index["cell"].get(cell, -1) + np.array([0, 1]))
        )
        names = np.full(self._room, -1, np.int64)
        row_of = np.full(self._room, -1, np.int64)
        row_of[self._columns["sample"][first:last]] = self._order[first:last]
        numbers = np.flatnonzero(row_of >= 0)
        ids = self._rows["sample_id"].take(row_of[numbers]).to_pylist()
        names[numbers] = [self._names.setdefault(name, len(self._names)) for name in ids]
        self._sample_names[cell] = names
        return names


def observe(frame: Frame, cell: str, metric: str, inputs: Sequence[str]) -> tuple[list[Part], Observed]:
    """The rows of a summary's inputs in a cell, and what its reducer takes of them."""
    parts = [frame.part(cell, metric, name) for name in inputs]
    aus = [int(au) for au in parts[0].known_aus if au >= 0] or [-1]
    chosen = [_aligned([part.of(au) for part in parts]) for au in aus]
    return parts, Observed(tuple(aus), [c[0] for c in chosen], [c[1] for c in chosen], [c[2] for c in chosen])


def _aligned(parts: list[Part]) -> tuple[tuple[Array, ...], Codes, Codes]:
    """The inputs of a reducer on the samples where all of them have a value; those samples' subjects; the samples."""
    kept = [np.isfinite(part.value) for part in parts]
    samples = [part.sample[keep] for part, keep in zip(parts, kept, strict=True)]
    values = [part.value[keep] for part, keep in zip(parts, kept, strict=True)]
    subjects = parts[0].subject[kept[0]]
    if all(np.array_equal(samples[0], other) for other in samples[1:]):
        return tuple(values), subjects, samples[0]
    common = reduce(np.intersect1d, samples)
    inside = [np.isin(numbers, common) for numbers in samples]
    return tuple(v[i] for v, i in zip(values, inside, strict=True)), subjects[inside[0]], common


def on_common(observed: Sequence[tuple[Observed, Codes]]) -> list[Observed]:
    """The same summary of several cells, on the AUs and samples that all of them have, in one order.

    Args:
        observed: for each cell what was observed, and its ``Frame.sample_names``.
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
    """Subject codes renumbered together from zero, and how many subjects there are."""
    if not subjects:
        return [], 0
    whole = np.concatenate(subjects)
    present = np.flatnonzero(flags(whole, int(whole.max(initial=-1)) + 1))
    numbers = np.searchsorted(present, whole).astype(np.int64)
    return np.split(numbers, np.cumsum([len(group) for group in subjects])[:-1]), len(present)


def _cut(columns: dict[str, NDArray[Any]], sizes: list[int]) -> tuple[Codes, dict[tuple[int, ...], slice]]:
    """The order by cell, metric, observation, AU and sample; and where each observation of a cell then lies."""
    metrics, observations, aus = sizes
    group = (columns["cell"] * metrics + columns["metric"]) * observations + columns["observation"]
    key = group * (aus + 1) + columns["au"] + 1
    highest = int(key.max(initial=0))
    # Rows come sorted by sample mostly; what is left is then one radix sort.
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
    return order.astype(np.int64), parts


def _sample_numbers(rows: pa.Table) -> tuple[Codes, int]:
    """A number for each sample of a cell, by batch and position, and how many numbers there are."""
    batch = _numbers(rows["batch"], np.int32, missing=0).astype(np.int64)
    position = _numbers(rows["position"], np.int32, missing=0).astype(np.int64)
    if len(batch) == 0:
        return batch, 0
    batch -= batch.min()
    wide = int(position.max()) + 1
    numbers, room = batch * wide + position, (int(batch.max()) + 1) * wide
    if room > 10 * len(batch) + 1000:
        _, numbers = np.unique(numbers, return_inverse=True)
        room = int(numbers.max()) + 1
    return numbers.astype(np.int64), room


def _numbers(column: pa.ChunkedArray | pa.Array, dtype: type[np.generic], missing: float) -> NDArray[Any]:
    """A numeric column as numpy, from Arrow's buffers.

    Arrow's own ``to_numpy`` and ``fill_null`` import pandas on the way, which takes longer than a report.
    """
    whole = column.combine_chunks() if hasattr(column, "combine_chunks") else column
    span = slice(whole.offset, whole.offset + len(whole))
    validity, data = whole.buffers()
    values = np.frombuffer(data, dtype)[span].copy()
    if whole.null_count:
        valid = np.unpackbits(np.frombuffer(validity, np.uint8), bitorder="little")[span]
        values[valid == 0] = missing
    return values


def codes(column: pa.ChunkedArray) -> tuple[Codes, list[Any]]:
    """Integer codes of a string column and the words they stand for; null is -1."""
    whole = column.combine_chunks()
    encoded = whole if hasattr(whole, "indices") else whole.dictionary_encode()
    codes = _numbers(encoded.indices, np.int32, missing=-1).astype(np.int64)
    words: list[Any] = encoded.dictionary.to_pylist()
    # By the alphabet and not by first use, or intervals would depend on how rows came to lie in shards.
    order = sorted(range(len(words)), key=words.__getitem__)
    ranks = np.empty(len(words) + 1, np.int64)
    ranks[order], ranks[-1] = np.arange(len(words)), -1
    return ranks[codes], [words[number] for number in order]
