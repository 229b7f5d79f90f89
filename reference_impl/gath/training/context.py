"""What the stages of a training share."""

from __future__ import annotations

import hashlib
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from gath.config import Config
from gath.training.data import TrainingData
from gath.training.optimization import Network
from gath_bench.distributed import Ranks


@dataclass(frozen=True)
class TrainContext:
    """Configuration, device, ranks and data of a training."""

    config: Config
    device: str
    ranks: Ranks
    data: TrainingData

    def rng(self, *names: object, device: str = "cpu") -> torch.Generator:
        """A generator whose seed depends on the training's seed, the rank and ``names`` only."""
        text = "/".join(map(str, (self.config.seed, self.ranks.rank, *names)))
        seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
        return torch.Generator(device).manual_seed(seed)

    def autocast(self) -> AbstractContextManager[Any]:
        """Run forward passes in the configured precision."""
        device_type = self.device.split(":")[0]
        return torch.autocast(device_type, torch.bfloat16, enabled=self.config.precision == "bf16")

    def to_device(self, network: Network) -> Network:
        """Move a network to the device, in the configured memory format."""
        network.to(self.device)
        if self.config.channels_last:
            network.to(memory_format=torch.channels_last)
        return network

    def maybe_compile(self, network: Network) -> Network:
        """The network, compiled if the configuration says so. Both share their weights."""
        return torch.compile(network) if self.config.compiled else network  # type: ignore[return-value]

    def to_memory_format(self, images: Tensor) -> Tensor:
        """Images in the configured memory format."""
        return images.contiguous(memory_format=torch.channels_last) if self.config.channels_last else images
