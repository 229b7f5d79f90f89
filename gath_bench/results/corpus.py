"""The record of a corpus metric in a run: its value, and its values over resampled subjects."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class StoredValues:
    """The record of a corpus metric, as the engine stores it: one observation per number, in this order.

    Attributes:
        value: over all samples.
        samples, subjects: the number of samples that count, and of their subjects.
        draws: (R,) the values over resampled subjects.
    """

    value: float
    samples: int
    subjects: int
    draws: Array

    @classmethod
    def read(cls, record: Array) -> StoredValues | None:
        """The record in a reducer's input; None if it is empty."""
        if len(record) < 3:
            return None
        return cls(float(record[0]), int(record[1]), int(record[2]), record[3:])

    def numbers(self) -> list[float]:
        """The numbers to store; the inverse of `read`."""
        return [self.value, float(self.samples), float(self.subjects), *self.draws.tolist()]
