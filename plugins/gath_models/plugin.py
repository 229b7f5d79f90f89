"""Registers the baseline models."""

from __future__ import annotations

from gath_bench import hookimpl
from gath_bench.contracts import ModelSpec


@hookimpl
def gath_bench_models() -> list[ModelSpec]:
    """The baselines; their code is imported when one is used."""
    return [
        ModelSpec(
            "oracle",
            "gath_models.oracle:Oracle",
            "the target image itself: the floor of every metric",
        ),
        ModelSpec(
            "copy-source",
            "gath_models.copy_source:CopySource",
            "the unedited portrait: what no edit at all scores",
        ),
        ModelSpec(
            "mean-frame",
            "gath_models.mean_frame:MeanFrame",
            "the data set's average portrait, for everyone",
        ),
        ModelSpec(
            "precomputed",
            "gath_models.precomputed:Precomputed",
            "images that an outside system wrote into a folder, by sample id",
        ),
    ]
