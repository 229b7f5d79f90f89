"""How long a training will take on this machine: a few steps of throwaway networks, before it begins."""

from __future__ import annotations

import time
from collections.abc import Sequence

import torch

from gath.config import Config
from gath.data import Pool
from gath.networks.build import build_classifier, build_estimator
from gath.progress import clock
from gath.stages.adversarial import AdversarialStage
from gath.stages.classifier import ClassifierStage
from gath.stages.estimator import EstimatorStage
from gath.stages.stage import Stage, Workshop
from gath_bench.distributed import Ranks

#: Steps that warm up, and steps that are timed.
_WARM, _TIMED = 2, 3


def forecast(config: Config, device: str, stages: Sequence[str]) -> str:
    """A sentence: the time of these stages, from a few steps of each on noise; drawing images comes on top."""
    took = {name: seconds_per_step(throwaway(name, config, device)) for name in stages}
    steps = {name: getattr(config, name).steps for name in stages}
    parts = [
        f"{name} {clock(took[name] * steps[name])} ({steps[name]} x {took[name]:.3f} s)" for name in stages
    ]
    total = sum(took[name] * steps[name] for name in stages)
    return f"this will take about {clock(total)} on this machine, and drawing the images: {', '.join(parts)}"


def throwaway(name: str, config: Config, device: str) -> Stage:
    """A stage with untrained networks on noise: as dear as the real one, and of no other use."""
    noise = torch.Generator().manual_seed(0)
    shape = (32, 3, config.resolution, config.resolution)
    images = torch.randint(0, 256, shape, dtype=torch.uint8, generator=noise)
    stills = Pool(images, torch.zeros(32, dtype=torch.int64), device)
    frames = Pool(images, torch.rand(32, config.aus, generator=noise), device)
    shop = Workshop(config, device, Ranks(), lambda: stills, lambda: frames)
    if name == "estimator":
        return EstimatorStage(shop)
    if name == "classifier":
        return ClassifierStage(shop, 2)
    return AdversarialStage(shop, build_estimator(config), build_classifier(config, 2))


def seconds_per_step(stage: Stage) -> float:
    """Wall time of one step, after a warm-up."""
    for step in range(1, 1 + _WARM):  # step 0 has a gradient penalty, which most have not
        float(stage.step(step)["loss"])
    began = time.perf_counter()
    for step in range(1 + _WARM, 1 + _WARM + _TIMED):
        float(stage.step(step)["loss"])
    return (time.perf_counter() - began) / _TIMED
