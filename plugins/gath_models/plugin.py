"""Registers the baseline models."""

from __future__ import annotations

from gath_bench import hookimpl
from gath_bench.contracts import ModelSpec


@hookimpl
def gath_bench_models() -> list[ModelSpec]:
    """The baselines and ``precomputed``. Their modules are imported on first use."""
    return [
        ModelSpec(
            "oracle",
            "gath_models.oracle:Oracle",
            "the target image: the value of each metric for a perfect edit",
        ),
        ModelSpec(
            "copy-source",
            "gath_models.copy_source:CopySource",
            "the unedited portrait: the value of each metric without an edit",
        ),
        ModelSpec(
            "mean-frame",
            "gath_models.mean_frame:MeanFrame",
            "the mean portrait of the data set",
        ),
        ModelSpec(
            "precomputed",
            "gath_models.precomputed:Precomputed",
            "a folder of images from another system, by sample id",
        ),
    ]
