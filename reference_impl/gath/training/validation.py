"""Measuring E and G during and after the training, and publishing G."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from gath.inference.model import Gath, Trained
from gath.networks.encoders import AUEstimator
from gath.networks.generator import Generator
from gath.release.publish import publish
from gath.release.weights_file import load_weights
from gath.training.checkpoint import ESTIMATOR
from gath.training.context import TrainContext
from gath.training.logging import LOG, TrainingLogger, describe_values
from gath.training.run import TrainingRun
from gath_bench.contracts import ComponentKey, DatasetAdapter, file_hash
from gath_bench.errors import describe_error
from gath_bench.images import resize
from gath_bench.statistics import pearson


def measure_estimator(network: nn.Module, adapter: object, ctx: TrainContext) -> dict[str, float]:
    """MAE of E, and its Pearson correlation averaged over AUs, on portraits of the validation split.

    The people of that split are in no training stream. Empty if the data set has no such split or no AUs for it.
    """
    if not isinstance(adapter, DatasetAdapter) or "val" not in adapter.info.splits:
        return {}
    samples = adapter.samples("val", adapter.info.protocols[0], 0)[: ctx.config.validation.limit]
    estimates, labels = [], []
    network.eval()
    for start in range(0, len(samples), 32):
        batch = adapter.load(samples[start : start + 32])
        for images, aus in ((batch.source, batch.source_aus), (batch.target, batch.target_aus)):
            if images is None or aus is None:
                continue
            with torch.no_grad():
                estimates.append(network(resize(images, ctx.config.resolution).to(ctx.device)).float().cpu())
            labels.append(aus)
    if not estimates:
        return {}
    estimated, true = torch.cat(estimates).clamp(0, 1), torch.cat(labels)
    correlations = pearson(estimated.double().numpy(), true.double().numpy())
    mean = float(np.nanmean(correlations)) if np.isfinite(correlations).any() else float("nan")
    return {"mae": float((estimated - true).abs().nanmean()), "pcc": mean}


def validate_generator(
    average: Generator, estimator: AUEstimator, run: TrainingRun, logger: TrainingLogger, step: int
) -> dict[str, float]:
    """The averaged G by the metrics of the benchmark; empty if they cannot be measured."""
    settings = run.config.validation
    if not settings.every:
        return {}
    model = Gath(run.config.model, trained=Trained(average, estimator, run.config))
    try:
        measured = run.context.evaluate(
            model,
            dataset=settings.dataset,
            metrics=settings.metrics,
            split=settings.split,
            protocol=settings.protocol,
            limit=settings.limit,
            device=run.device,
        )
    except Exception as error:  # a failed measurement must not end hours of training
        logger.message(f"validation at step {step} failed: {describe_error(error)}")
        return {}
    logger.log("validation", step, measured)
    logger.message(f"validation at step {step}: {describe_values(measured)}")
    return dict(measured)


def publish_generator(
    average: Generator,
    estimator: AUEstimator,
    run: TrainingRun,
    facts: Mapping[str, Any],
    costs: Sequence[str],
) -> Path:
    """Write the weights file of the averaged G and E, its facts and its card to the run folder."""
    teachers = [
        str(ComponentKey(f"gath-{name}", hash=file_hash(run.folder / f"{name}.safetensors")))
        for name in ("estimator", "classifier")
    ]
    _, about_estimator = load_weights(run.folder / ESTIMATOR)
    # An E that was copied from another training has learned that training's labels.
    labelled_by = dict.fromkeys([*facts.get("labelled_by", ()), *about_estimator.get("labelled_by", ())])
    records = [json.loads(line) for line in (run.folder / LOG).read_text(encoding="utf-8").splitlines()]
    return publish(
        {"generator": average, "estimator": estimator},
        run.config,
        run.folder,
        device=run.device,
        facts={
            **facts,
            "trained_against": [*teachers, *labelled_by],
            **({"labelled_by": list(labelled_by)} if labelled_by else {}),
        },
        estimator=about_estimator,
        records=records,
        costs=costs,
    )
