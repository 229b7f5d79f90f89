"""Distributions of the values per sample."""

from __future__ import annotations

from typing import Any

import numpy as np

from gath_bench.report.html.place import Place
from gath_bench.report.html.samples import has_sample_values

#: Quantiles of the plotted curve.
SHARES = np.linspace(0, 1, 51)
#: Quantiles in the table.
NAMED = (0.05, 0.25, 0.5, 0.75, 0.95)


def distributions(place: Place) -> list[dict[str, Any]]:
    """For each summary the quantiles of each model's samples: `SHARES` for the curve, `NAMED` as text.

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
                    "named": [column.head.text(float(x)) for x in np.quantile(values, NAMED)],
                }
            )
        if lines:
            head = column.head
            found.append({"name": head.name, "unit": head.unit, "direction": head.direction, "lines": lines})
    return found
