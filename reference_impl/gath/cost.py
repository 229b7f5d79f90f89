"""What a training costs on a device: time, images, arithmetic and memory of one step of each stage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from gath.config import Config
from gath.forecast import seconds_per_step, throwaway
from gath_bench.errors import Unavailable
from gath_bench.perf import count_flops, measure_peak_memory, time_calls

STAGES = ("estimator", "classifier", "generator")
#: Side of the square matrices whose product stands for a device's peak.
_SIDE = {"cpu": 2048, "cuda": 8192}


@dataclass(frozen=True)
class StageCost:
    """One step of a stage.

    Attributes:
        stage: its name.
        seconds: wall time.
        images_per_s: images of the batch (portraits, for G) through that time.
        flops: of the convolutions and matrix products, forwards and backwards.
        peak_share: ``flops / seconds`` over what the device does in a large matrix product of the same precision.
        peak_memory_mb: above what networks and data hold already; None where the system does not tell.
    """

    stage: str
    seconds: float
    images_per_s: float
    flops: int
    peak_share: float
    peak_memory_mb: float | None


def measure_cost(config: Config, device: str, stages: Sequence[str] = STAGES) -> list[StageCost]:
    """One step of each stage, on noise, and without D's gradient penalty, which few steps have."""
    peak = device_peak(device, config)
    config = config.model_copy(update={"losses": config.losses.model_copy(update={"r1": 0.0})})
    found = []
    for name in stages:
        stage = throwaway(name, config, device)
        seconds = seconds_per_step(stage)
        flops = count_flops(lambda stage=stage: stage.step(0))  # type: ignore[misc]
        try:
            memory = measure_peak_memory(lambda stage=stage: stage.step(0), device=device)  # type: ignore[misc]
            megabytes = memory.bytes / 1e6
        except Unavailable:
            megabytes = None
        images = getattr(config, name).batch_size * config.accumulate
        found.append(StageCost(name, seconds, images / seconds, flops, flops / seconds / peak, megabytes))
    return found


def device_peak(device: str, config: Config) -> float:
    """Operations a second of a large matrix product in the training's precision: measured, not promised."""
    side = _SIDE[device.split(":")[0]]
    kind = torch.bfloat16 if config.precision == "bf16" else torch.float32
    a, b = (torch.randn(side, side, device=device).to(kind) for _ in range(2))
    best = min(time_calls(lambda: a @ b, device=device, seconds=1.0)) / 1e3
    return 2 * side**3 / best


def cost_table(costs: Sequence[StageCost]) -> list[str]:
    """Lines of a Markdown table."""
    lines = [
        "| stage | s a step | images/s | GFLOP a step | of the measured peak | peak memory, MB |",
        "|---|---|---|---|---|---|",
    ]
    for cost in costs:
        memory = "-" if cost.peak_memory_mb is None else f"{cost.peak_memory_mb:.0f}"
        lines.append(
            f"| {cost.stage} | {cost.seconds:.3f} | {cost.images_per_s:.1f} | {cost.flops / 1e9:.3g} "
            f"| {cost.peak_share:.0%} | {memory} |"
        )
    return lines
