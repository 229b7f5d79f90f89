"""A model whose amount of work can be set, for the tests of ``gath-bench perf``."""

from __future__ import annotations

import os
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from gath_bench import hookimpl
from gath_bench.contracts import ModelInfo, ModelSpec


class Worker:
    """Ten times ``GATH_TEST_WORK`` convolutions."""

    def __init__(self) -> None:
        self.kernel = torch.full((3, 3, 3, 3), 0.04)
        self.times = round(10 * float(os.environ.get("GATH_TEST_WORK", "1")))

    @property
    def info(self) -> ModelInfo:
        return ModelInfo()

    def to(self, device: str) -> Worker:
        self.kernel = self.kernel.to(device)
        return self

    def animate(self, portraits: Tensor, target_aus: Tensor, **needs: Any) -> Tensor:
        for _ in range(self.times):
            portraits = F.conv2d(portraits, self.kernel, padding=1)
        return portraits


@hookimpl
def gath_bench_models() -> list[ModelSpec]:
    return [ModelSpec("worker", Worker, "convolutions")]
