"""The process group that ``torchrun`` starts: rank, world size, and the few collectives that are used here."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor, nn

#: How long a rank waits for the others: one may time a model or render images while the rest are idle.
_TIMEOUT = timedelta(days=30)


@dataclass(frozen=True)
class Ranks:
    """This process in its group.

    Attributes:
        rank: 0-based; rank 0 writes files and prints.
        world: the number of processes; 1 without ``torchrun``, and every method is then local.
    """

    rank: int = 0
    world: int = 1

    @classmethod
    def join(cls, backend: str = "gloo") -> Ranks:
        """Join the group that ``torchrun`` described in the environment; a group of one without it.

        Args:
            backend: ``"gloo"`` for CPU tensors and objects, ``"nccl"`` for CUDA tensors.
        """
        if int(os.environ.get("WORLD_SIZE", "1")) == 1:
            return cls()
        import torch.distributed as dist

        if not dist.is_initialized():
            dist.init_process_group(backend, timeout=_TIMEOUT)
        return cls(dist.get_rank(), dist.get_world_size())

    @property
    def first(self) -> bool:
        """Whether this is rank 0."""
        return self.rank == 0

    def mine(self, batch: int) -> bool:
        """Whether a batch is this rank's work: batches are dealt out in turn."""
        return batch % self.world == self.rank

    def broadcast(self, text: str) -> str:
        """Rank 0's text, on every rank."""
        if self.world == 1:
            return text
        import torch.distributed as dist

        texts = [text]
        dist.broadcast_object_list(texts, src=0)
        return texts[0]

    def average_gradients(self, module: nn.Module) -> None:
        """Average the gradients and floating-point buffers of a network over the ranks, in place.

        One all-reduce after the backward pass. ``DistributedDataParallel`` does not allow several graphs through
        one network in one step, one of them differentiated twice (R1).
        """
        if self.world == 1:
            return
        import torch
        import torch.distributed as dist

        values = [p.grad for p in module.parameters() if p.grad is not None]
        values += [b for b in module.buffers() if b.is_floating_point()]
        if not values:
            return
        flat = torch.cat([value.detach().flatten().float() for value in values])
        dist.all_reduce(flat)
        flat /= self.world
        for value, part in zip(values, torch.split(flat, [value.numel() for value in values]), strict=True):
            value.copy_(part.view_as(value))

    def any(self, condition: bool, device: str) -> bool:
        """Whether the condition holds on any rank."""
        if self.world == 1:
            return condition
        import torch
        import torch.distributed as dist

        votes = torch.tensor([float(condition)], device=device)
        dist.all_reduce(votes)
        return bool(votes.item())

    def mean(self, values: Tensor) -> Tensor:
        """The mean of a tensor over the ranks."""
        if self.world == 1:
            return values
        import torch.distributed as dist

        dist.all_reduce(values)
        return values / self.world

    def barrier(self) -> None:
        """Wait until every rank is here."""
        if self.world > 1:
            import torch.distributed as dist

            dist.barrier()

    def leave(self) -> None:
        """Leave the group: a rank that ends without it aborts the others' collectives."""
        if self.world > 1:
            import torch.distributed as dist

            if dist.is_initialized():
                dist.destroy_process_group()
