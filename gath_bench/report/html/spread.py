"""Distributions: how the samples' values spread behind each mean."""

from __future__ import annotations

from typing import Any

import numpy as np

from gath_bench.report.html.lines import Place
from gath_bench.report.html.samples import has_sample_values

#: Shares of samples at which a distribution is drawn.
SHARES = np.linspace(0, 1, 51)
#: Those that its table names.
NAMED = (0.05, 0.25, 0.5, 0.75, 0.95)


def distributions(place: Place) -> list[dict[str, Any]]:
    """For each summary the quantiles of each model's samples, at `SHARES` for the curve and at `NAMED` as text.

    ``[{"name", "unit", "direction", "lines": [{"model", "n", "x", "named"}]}]``
    """
    found = []
    for column in place.shown:
        if column.record.system or not has_sample_values(column.summary):
            continue
        lines = []
        for line in place.lines:
            if line.row(column) is None:
                continue
            series = line.values(column)
            if not len(series):
                continue
            values = series.to_numpy(dtype=np.float64)
            lines.append(
                {
                    "model": line.number,
                    "n": len(values),
                    "x": [float(f"{x:.6g}") for x in np.quantile(values, SHARES)],
                    "named": [column.text(float(x)) for x in np.quantile(values, NAMED)],
                }
            )
        if lines:
            found.append({"name": column.name, "unit": column.head.unit,
                          "direction": column.head.direction, "lines": lines})  # fmt: skip
    return found
