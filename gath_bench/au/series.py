"""AU time series, the result of the readers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from gath_bench.au.spaces import AUSpace

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class AUSeries:
    """N rows of AU coefficients of one file.

    Attributes:
        path: the file.
        space: the AU space of ``values``, K labels.
        values: float32 (N, K) in [0, 1]; NaN where the file has no value.
        frame: N frame numbers of the file; row numbers from 0 if it has none.
        columns: label of the file's AU space -> its column.
        native_space: the AU space of the file, before any map.
        timestamp: N seconds, float64, if the file has times.
        success: N flags of the tracker, if the file has them; failed rows are kept.
        confidence: N numbers of the tracker, float32, if the file has them.
        face: N face numbers, if the file holds several faces per frame or an image's faces.
        sample_ids: N names, if the file has them.
        warnings: sentences about missing and unused columns.
    """

    path: Path
    space: AUSpace
    values: NDArray[np.float32]
    frame: NDArray[np.int64]
    columns: Mapping[str, str]
    native_space: AUSpace
    timestamp: NDArray[np.float64] | None = None
    success: NDArray[np.bool_] | None = None
    confidence: NDArray[np.float32] | None = None
    face: NDArray[np.int64] | None = None
    sample_ids: tuple[str, ...] | None = None
    warnings: tuple[str, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.values)

    @property
    def coverage(self) -> dict[str, float]:
        """Label -> share of rows with a value, in [0, 1]."""
        known = self.values == self.values
        return dict(zip(self.space.labels, known.mean(axis=0).tolist(), strict=True))
