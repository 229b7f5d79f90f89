"""Measuring what was trained, and writing it down: the weights file and its card."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from gath import checkpoint
from gath.animation import Gath, Trained
from gath.card import model_card
from gath.cost import measure_cost
from gath.progress import Voice
from gath.stages.adversarial import AdversarialStage
from gath.stages.stage import Stage, Workshop
from gath_bench.contracts import CommandContext, ComponentKey, DatasetAdapter, file_hash
from gath_bench.images import resize
from gath_bench.perf import describe_machine


def measure_estimator(network: nn.Module, adapter: object, shop: Workshop) -> dict[str, float]:
    """E on portraits of the validation split, of people in neither stream: MAE, and Pearson's r over all AUs' means.

    Empty where the data set has no such split or no AUs of its portraits.
    """
    if not isinstance(adapter, DatasetAdapter) or "val" not in adapter.info.splits:
        return {}
    samples = adapter.samples("val", adapter.info.protocols[0], 0)[: shop.config.validation.limit]
    found, known = [], []
    network.eval()
    for start in range(0, len(samples), 32):
        batch = adapter.load(samples[start : start + 32])
        for images, aus in ((batch.source, batch.source_aus), (batch.target, batch.target_aus)):
            if images is None or aus is None:
                continue
            with torch.no_grad():
                found.append(network(resize(images, shop.config.resolution).to(shop.device)).float().cpu())
            known.append(aus)
    if not found:
        return {}
    read, true = torch.cat(found).clamp(0, 1), torch.cat(known)
    return {"mae": float((read - true).abs().nanmean()), "pcc": float(_pearson(read, true).nanmean())}


def _pearson(a: Tensor, b: Tensor) -> Tensor:
    """Correlation of each column."""
    a, b = a - a.mean(0), b - b.mean(0)
    return (a * b).sum(0) / (a.square().sum(0) * b.square().sum(0)).sqrt()


def validate(
    stage: Stage, context: CommandContext, shop: Workshop, voice: Voice, step: int
) -> dict[str, float]:
    """The averaged G by the suite's own metrics; empty where they cannot be had. Only the first rank measures."""
    if not shop.ranks.first or not isinstance(stage, AdversarialStage) or not shop.config.validation.every:
        return {}
    asked = shop.config.validation
    model = Gath(shop.config.model, trained=Trained(stage.average, stage.estimator, shop.config))
    try:
        measured = context.evaluate(
            model, dataset=asked.dataset, metrics=asked.metrics, split=asked.split, protocol=asked.protocol,
            limit=asked.limit, device=shop.device,
        )  # fmt: skip
    except Exception as error:  # hours of training do not end because a measurement did
        voice.say(f"validation at step {step} failed: {type(error).__name__}: {error}")
        return {}
    voice.log("validation", step, measured)
    voice.say(
        f"validation at step {step}: " + ", ".join(f"{name} {value:.3f}" for name, value in measured.items())
    )
    return dict(measured)


def write_model(
    stage: AdversarialStage,
    folder: Path,
    shop: Workshop,
    about: Mapping[str, Any],
    numbers: Mapping[str, float],
    state: Mapping[str, Any],
) -> Path:
    """Write ``<model>.safetensors`` (G's average and E, half precision), facts as ``.json`` and the card as ``.md``.

    Args:
        state: the training's: its origin and the seconds that it took.
    """
    config = shop.config
    place = folder / f"{config.model}.safetensors"
    taught = [
        str(ComponentKey(f"gath-{name}", hash=file_hash(folder / f"{name}.safetensors")))
        for name in ("estimator", "classifier")
    ]
    inside = {"config": config.model_dump(mode="json"), "trained_against": taught}
    checkpoint.save_weights(
        place, {"generator": stage.average, "estimator": stage.estimator}, inside, half=True
    )
    facts = {
        "file": place.name, "sha256": file_hash(place), **state["origin"], **about,
        "trained_against": taught, "config": inside["config"], "seconds": round(float(state["seconds"])),
        "validation": dict(numbers), "machine": describe_machine(shop.device),
    }  # fmt: skip
    place.with_suffix(".json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    _, estimator = checkpoint.load_weights(folder / checkpoint.ESTIMATOR)
    card = model_card(facts, estimator, measure_cost(config, shop.device), folder)
    place.with_suffix(".md").write_text(card, encoding="utf-8")
    return place


def origin() -> dict[str, Any]:
    """What began this training: kept in its state, so that a resumed one still knows."""
    return {"command": ["gath-bench", *sys.argv[1:]], "commit": _commit()}


def _commit() -> str | None:
    """The commit of this source tree, marked if it was changed since; None for an installed package."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return said.stdout.strip() or None if said.returncode == 0 else None
