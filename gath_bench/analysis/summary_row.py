"""One value of a table, and the key of the table that it belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol


class _Keyed(Protocol):
    @property
    def dataset(self) -> str: ...
    @property
    def dataset_key(self) -> str: ...
    @property
    def split(self) -> str: ...
    @property
    def protocol(self) -> str: ...


class TableKey(NamedTuple):
    """What a table is of: values with different keys are never in one table."""

    dataset: str
    dataset_key: str
    split: str
    protocol: str

    @classmethod
    def of(cls, record: _Keyed) -> TableKey:
        """The key of a summary row or of a cell record."""
        return cls(record.dataset, record.dataset_key, record.split, record.protocol)


@dataclass(frozen=True)
class SummaryRow:
    """One value of a table; the fields are those of ``gath-bench run --json``.

    Attributes:
        value: the summary's value; None where there is none, with ``status`` and ``reason`` saying why.
        low, high: the 95 % interval over subjects.
        n: the number of samples (repeats, for a system metric) that have a value.
        coverage: the share of samples that have a value, in [0, 1]; for one AU, of the samples that have
            that AU (samples without any value are assumed to have it as often as the others).
        status: ``"ok"``, ``"na"`` or ``"failed"``; ``"failed"`` also when only some samples failed.
        reason: the most frequent reason for missing values; None if no value is missing. In a mean over AUs, also how
            many AUs have no value at all, with their reason; of a system metric, its remark on its values.
        few_subjects: whether there are too few subjects for the interval to be reliable.
        contaminated: whether the model was trained against a network that computed the value.
        best: whether it is the best of its column; baseline rows and contaminated values are not ranked, and
            a single model is never marked as best.
        tied: whether it is not significantly worse than the best on their common samples.
        p_value: of the difference from the best, Holm-corrected over the models of the column; None for the
            best value, for a system metric, and without a comparison.
        rank: its rank in the column, 1 for the best; equal values have the mean of their ranks.
        gain: (copy-source - model) / (copy-source - oracle) on their common samples: 0 is no edit, 1 is perfect;
            None unless the oracle is clearly better than copy-source.
        gain_low, gain_high: its 95 % interval.
    """

    model: str
    model_key: str
    dataset: str
    dataset_key: str
    split: str
    protocol: str
    metric: str
    key: str
    au: str | None
    value: float | None
    low: float | None
    high: float | None
    unit: str
    direction: str
    n: int
    coverage: float
    status: str
    reason: str | None
    device: str
    seed: int
    few_subjects: bool
    contaminated: bool
    best: bool = False
    tied: bool = False
    p_value: float | None = None
    rank: float | None = None
    gain: float | None = None
    gain_low: float | None = None
    gain_high: float | None = None

    @property
    def table_key(self) -> TableKey:
        """The table that it belongs to."""
        return TableKey.of(self)
