"""What a training costs on a device: time, throughput, arithmetic and memory of one step of each stage, on noise."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from gath.config import Config
from gath.durations import format_duration
from gath.training.context import TrainContext
from gath.training.data import FixedData, Pool
from gath.training.stage import Stage
from gath_bench.distributed import Ranks
from gath_bench.errors import Unavailable
from gath_bench.perf import count_flops, measure_peak_memory, time_calls

#: Side of the square matrices whose product measures the peak of a device.
_SIDE = {"cpu": 2048, "cuda": 8192}
#: Steps before the measurement, and measured steps.
_WARM_UP, _TIMED = 2, 3


@dataclass(frozen=True)
class StageCost:
    """The cost of one step of a stage.

    Attributes:
        stage: its name.
        seconds: wall time.
        images_per_s: images of the batch (portraits, for G) per second.
        flops: of the convolutions and matrix products, forward and backward.
        peak_share: ``flops / seconds`` as a share of the rate of a large matrix product of the same precision.
        peak_memory_mb: on top of networks and data; None where the system does not report it.
    """

    stage: str
    seconds: float
    images_per_s: float
    flops: int
    peak_share: float
    peak_memory_mb: float | None


def forecast(config: Config, device: str, stages: Sequence[type[Stage]]) -> str:
    """A sentence with the expected run time of these stages, without the rendering of images."""
    parts, total = [], 0.0
    for stage_type in stages:
        stage = throwaway_stage(stage_type, config, device)
        seconds = seconds_per_step(stage)
        total += seconds * stage.steps
        duration = format_duration(seconds * stage.steps)
        parts.append(f"{stage.name} {duration} ({stage.steps} x {seconds:.3f} s)")
    return (
        f"expected run time on this machine, without rendering: {format_duration(total)} ({', '.join(parts)})"
    )


def measure_costs(config: Config, device: str, stages: Sequence[type[Stage]]) -> list[StageCost]:
    """The cost of one step of each stage, without the gradient penalty of D, which few steps have."""
    peak = device_peak(device, config)
    config = config.model_copy(update={"losses": config.losses.model_copy(update={"r1": 0.0})})
    costs = []
    for stage_type in stages:
        stage = throwaway_stage(stage_type, config, device)
        seconds = seconds_per_step(stage)
        flops = count_flops(lambda stage=stage: stage.step(0))  # type: ignore[misc]
        try:
            memory = measure_peak_memory(lambda stage=stage: stage.step(0), device=device)  # type: ignore[misc]
            megabytes = memory.bytes / 1e6
        except Unavailable:
            megabytes = None
        images = stage.batch_size * config.accumulate
        costs.append(
            StageCost(stage.name, seconds, images / seconds, flops, flops / seconds / peak, megabytes)
        )
    return costs


def throwaway_stage(stage_type: type[Stage], config: Config, device: str) -> Stage:
    """A stage with untrained networks on noise, as expensive as the real one."""
    rng = torch.Generator().manual_seed(0)
    shape = (32, 3, config.resolution, config.resolution)
    images = torch.randint(0, 256, shape, dtype=torch.uint8, generator=rng)
    stills = Pool(images, torch.zeros(32, dtype=torch.int64), device)
    frames = Pool(images, torch.rand(32, config.aus, generator=rng), device)
    pairs = torch.stack([images, images.flip(0)], 1)
    clips = Pool(pairs, torch.rand(32, 2, config.aus, generator=rng), device)
    return stage_type.create_untrained(
        TrainContext(config, device, Ranks(), FixedData(stills, frames, 2, clips))
    )


def seconds_per_step(stage: Stage) -> float:
    """Wall time of one step, after a warm-up."""
    for step in range(1, 1 + _WARM_UP):  # step 0 has a gradient penalty, which most steps do not have
        _wait(stage.step(step))
    start = time.perf_counter()
    for step in range(1 + _WARM_UP, 1 + _WARM_UP + _TIMED):
        _wait(stage.step(step))
    return (time.perf_counter() - start) / _TIMED


def device_peak(device: str, config: Config) -> float:
    """Measured operations per second of a large matrix product in the precision of the training."""
    side = _SIDE[device.split(":")[0]]
    dtype = torch.bfloat16 if config.precision == "bf16" else torch.float32
    a, b = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
    best = min(time_calls(lambda: a @ b, device=device, seconds=1.0)) / 1e3
    return 2 * side**3 / best


def cost_table(costs: Sequence[StageCost]) -> list[str]:
    """The lines of a Markdown table."""
    lines = [
        "| stage | s per step | images/s | GFLOP per step | share of the measured peak | peak memory, MB |",
        "|---|---|---|---|---|---|",
    ]
    for cost in costs:
        memory = "-" if cost.peak_memory_mb is None else f"{cost.peak_memory_mb:.0f}"
        lines.append(
            f"| {cost.stage} | {cost.seconds:.3f} | {cost.images_per_s:.1f} | {cost.flops / 1e9:.3g} "
            f"| {cost.peak_share:.0%} | {memory} |"
        )
    return lines


def _wait(values: dict[str, torch.Tensor]) -> None:
    """Wait until the device has finished a step."""
    torch.stack([value.float() for value in values.values()]).sum().item()
