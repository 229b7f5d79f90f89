"""Several processes as one trainer, under ``torchrun``.

Gradients are averaged by one all-reduce after the backward pass and not inside it: a step here sends several
graphs through one network, one of them differentiated twice (R1), which ``DistributedDataParallel`` does not allow.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor, nn


@dataclass(frozen=True)
class Ranks:
    """Rank ``rank`` of ``world``; rank 0 draws the pools, writes files and prints."""

    rank: int = 0
    world: int = 1

    @classmethod
    def join(cls, device: str) -> Ranks:
        """Join the group that ``torchrun`` described in the environment; alone without it."""
        world = int(os.environ.get("WORLD_SIZE", "1"))
        if world == 1:
            return cls()
        if not dist.is_initialized():
            backend = "nccl" if device.startswith("cuda") else "gloo"
            dist.init_process_group(backend, timeout=timedelta(hours=2))
        return cls(dist.get_rank(), dist.get_world_size())

    @property
    def first(self) -> bool:
        return self.rank == 0

    def average(self, module: nn.Module) -> None:
        """Gradients and running statistics of a network, averaged over the ranks, in place."""
        if self.world == 1:
            return
        values = [p.grad for p in module.parameters() if p.grad is not None]
        values += [b for b in module.buffers() if b.is_floating_point()]
        if not values:
            return
        flat = torch.cat([value.detach().flatten().float() for value in values])
        dist.all_reduce(flat)
        flat /= self.world
        for value, part in zip(values, torch.split(flat, [value.numel() for value in values]), strict=True):
            value.copy_(part.view_as(value))

    def any(self, said: bool, device: str) -> bool:
        """Whether any rank says so."""
        if self.world == 1:
            return said
        votes = torch.tensor([float(said)], device=device)
        dist.all_reduce(votes)
        return bool(votes.item())

    def mean(self, values: Tensor) -> Tensor:
        """The mean over the ranks."""
        if self.world > 1:
            dist.all_reduce(values)
            values = values / self.world
        return values

    def wait(self) -> None:
        """Until every rank is here."""
        if self.world > 1:
            dist.barrier()

    def leave(self) -> None:
        """Leave the group: a rank that just ends takes the others down."""
        if self.world > 1 and dist.is_initialized():
            dist.destroy_process_group()
