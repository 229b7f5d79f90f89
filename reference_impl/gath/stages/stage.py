"""What a stage is, and what the three of them share."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor, nn

from gath.config import Config
from gath.data import Source
from gath_bench.distributed import Ranks

Network = TypeVar("Network", bound=nn.Module)


class Stage(Protocol):
    """One loop of the trainer.

    Attributes:
        name: of the stage, in logs and checkpoints.
        steps: how many it takes.
        networks, optimizers: whatever has to be saved for the stage to go on as if nothing had happened.
    """

    name: str
    steps: int

    @property
    def networks(self) -> Mapping[str, nn.Module]: ...

    @property
    def optimizers(self) -> Mapping[str, torch.optim.Optimizer]: ...

    def step(self, step: int) -> dict[str, Tensor]:
        """Take step number ``step``; everything random in it follows from the seed and that number.

        Returns:
            numbers to log, ``loss`` among them.
        """
        ...

    def samples(self) -> Tensor | None:
        """A picture (3, H, W) to look at, if there is something to see."""
        ...


@dataclass(frozen=True)
class Workshop:
    """Where the stages work: configuration, device, ranks, and the data, drawn when first asked for."""

    config: Config
    device: str
    ranks: Ranks
    make_stills: Callable[[], Source]
    make_frames: Callable[[], Source]

    @cached_property
    def stills(self) -> Source:
        return self.make_stills()

    @cached_property
    def frames(self) -> Source:
        return self.make_frames()

    def rng(self, *what: object, device: str = "cpu") -> torch.Generator:
        """Random numbers that follow from the seed, this rank and ``what``, and from nothing that was drawn before."""
        name = "/".join(map(str, (self.config.seed, self.ranks.rank, *what)))
        seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") >> 1
        return torch.Generator(device).manual_seed(seed)

    def autocast(self) -> AbstractContextManager[Any]:
        """Forward passes in the configured precision."""
        kind = self.device.split(":")[0]
        return torch.autocast(kind, torch.bfloat16, enabled=self.config.precision == "bf16")

    def place(self, network: Network) -> Network:
        """The network on the device, in the configured memory format."""
        network.to(self.device)
        if self.config.channels_last:
            network.to(memory_format=torch.channels_last)
        return network

    def fast(self, network: Network) -> Network:
        """The network, compiled if the configuration says so; both share their weights."""
        return torch.compile(network) if self.config.compiled else network  # type: ignore[return-value]

    def lay(self, images: Tensor) -> Tensor:
        """Images in the configured memory format."""
        return images.contiguous(memory_format=torch.channels_last) if self.config.channels_last else images


def frozen(network: Network) -> Network:
    """A teacher: no gradients of its own, running statistics as they are."""
    return network.eval().requires_grad_(False)


def cosine_rate(step: int, steps: int) -> float:
    """Learning rate factor: up over the first twentieth, then half a cosine down to 0."""
    warm = max(1, steps // 20)
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))


def linear_rate(step: int, steps: int, decay_from: float) -> float:
    """Learning rate factor: 1, and from ``decay_from`` of the steps on in a line to 0."""
    start = decay_from * steps
    return 1.0 if step < start else max(0.0, (steps - step) / max(1.0, steps - start))


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """The learning rate of every group."""
    for group in optimizer.param_groups:
        group["lr"] = rate
