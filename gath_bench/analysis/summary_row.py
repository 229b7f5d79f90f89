"""One value of a table."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One value of a table; the fields are those of ``gath-bench run --json``.

    Attributes:
        value: the summary's value; None where there is none, with ``status`` and ``reason`` saying why.
        low, high: the 95 % interval over subjects.
        n: samples (repeats, for a system metric) that the value rests on.
        coverage: the share of samples that have a value, in [0, 1]; for one AU, of the samples that have
            that AU (those lost whole are taken to have it as often as the others).
        status: ``"ok"``, ``"na"`` or ``"failed"``; ``"failed"`` also when only some samples failed.
        reason: the commonest reason for what is missing, with its count; None if nothing is.
        few_subjects: whether the interval rests on too few subjects to be trusted.
        contaminated: whether a network that graded the value also taught the model.
        best: whether it is the best of its column; reference rows and contaminated values take no part, and
            a single model is not the best of anything.
        tied: whether it is not significantly worse than the best on the samples that both have.
        p_value: of the difference to the best, Holm-corrected over the models of the column; None for the
            best itself, for a system metric, and where nothing was compared.
        rank: its place in the column, 1 for the best; the mean of the places for equal values.
        gain: (copy-source - model) / (copy-source - oracle) on their common samples: 0 is no edit, 1 perfect;
            None where the oracle is not clearly better than copy-source.
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
    def place(self) -> tuple[str, str, str, str]:
        """The table that it stands in: data set, its key, split and protocol."""
        return self.dataset, self.dataset_key, self.split, self.protocol
