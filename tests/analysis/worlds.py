"""Small worlds of long rows: models, metrics, subjects, without an engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gath_bench.analysis import SummaryRow, summarise
from gath_bench.contracts.metric import Direction, Summary
from gath_bench.results import CellRecord, Manifest, MetricRecord, Observations, Run

Array = NDArray[np.float64]
REFERENCES = {"oracle": "oracle", "copy_source": "copy-source"}


def metric(name: str = "m", direction: Direction = "lower", key: str = "", **fields: Any) -> MetricRecord:
    """A metric of one summary, the mean unless said otherwise."""
    summary = Summary(name, direction, **{k: fields.pop(k) for k in ("reducer", "inputs") if k in fields})
    return MetricRecord(
        **{
            "name": name,
            "key": key or f"{name}@1",
            "evaluators": [],
            "system": False,
            "deterministic": True,
            "tolerance": 1e-5,
            "display": "{:.3f}",
            "summaries": [summary],
            **fields,
        }
    )


def cell(number: int, model: str, metrics: Sequence[str], samples: int, **fields: Any) -> CellRecord:
    return CellRecord(
        **{
            "cell_id": f"{number:03d}-{model}",
            "model": model,
            "model_key": f"{model}@1#ab",
            "dataset": "d",
            "sees_target": model == "oracle",
            "trained_against": [],
            "dataset_key": "d@1#cd",
            "domain": "photo",
            "split": "test",
            "protocol": "same-subject",
            "samples": samples,
            "metrics": list(metrics),
            **fields,
        }
    )


def world(
    values: Mapping[str, Array],
    record: MetricRecord | None = None,
    *,
    per_subject: int = 1,
    cells: Mapping[str, Mapping[str, Any]] | None = None,
    path: str = "world",
    **fields: Any,
) -> Run:
    """A run of one metric: model -> its values, sample by sample; NaN is NA.

    Args:
        values: (N,) values of each model, or (N, inputs) of the metric's inputs.
        record: the metric.
        per_subject: samples of each subject, one after another.
        cells: other fields of a model's cell record.
        path: what the folder is called; there is none.
        fields: other fields of the manifest.
    """
    record = record or metric()
    rows, records = Observations(), []
    for number, (model, column) in enumerate(values.items()):
        table = column.reshape(len(column), -1)
        made = cell(number, model, [record.name], len(table), **(cells or {}).get(model, {}))
        records.append(made)
        for at, entries in enumerate(table):
            for name, value in zip(record.summaries[0].inputs, entries, strict=True):
                known = bool(np.isfinite(value))
                rows.add(
                    cell=made.cell_id,
                    batch=at // 4,
                    position=at % 4,
                    sample_id=f"s{at:04d}",
                    subject=f"p{at // per_subject:04d}",
                    metric=record.name,
                    observation=name,
                    value=float(value) if known else None,
                    status="ok" if known else "na",
                    reason=None if known else "no face found",
                )
    manifest = Manifest(
        **{
            "status": "finished",
            "command": [],
            "suite": {},
            "references": REFERENCES,
            "seed": 0,
            "device": "cpu",
            "batch_size": 4,
            "created": "now",
            "environment": {},
            "skipped": [],
            "metrics": [record],
            "cells": records,
            **fields,
        }
    )
    return Run(Path(path), manifest, rows.table())


def table(run: Run) -> dict[str, SummaryRow]:
    """The rows over all AUs, by model."""
    return {row.model: row for row in summarise(run.manifest, run.observations) if row.au is None}
