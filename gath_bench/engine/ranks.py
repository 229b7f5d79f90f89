"""This process among the ranks that ``torchrun`` started; alone without it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta

#: Ranks wait for one another as long as it takes: one may be timing a model while the rest are done.
_PATIENCE = timedelta(days=30)


@dataclass(frozen=True)
class Ranks:
    """Rank ``rank`` of ``world``; rank 0 writes the manifest and prints the table."""

    rank: int = 0
    world: int = 1

    @property
    def first(self) -> bool:
        return self.rank == 0

    def mine(self, batch: int) -> bool:
        """Whether a batch is this rank's work."""
        return batch % self.world == self.rank

    def agree(self, text: str) -> str:
        """What rank 0 says, on every rank."""
        if self.world == 1:
            return text
        import torch.distributed as dist

        words = [text]
        dist.broadcast_object_list(words, src=0)
        return words[0]

    def wait(self) -> None:
        """Until every rank is here."""
        if self.world > 1:
            import torch.distributed as dist

            dist.barrier()

    def leave(self) -> None:
        """Leave the group: a rank that just ends while others talk to it takes the whole run down."""
        if self.world > 1:
            import torch.distributed as dist

            dist.destroy_process_group()


def join_ranks() -> Ranks:
    """Join the group that ``torchrun`` described in the environment, over gloo: only names and barriers travel."""
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world == 1:
        return Ranks()
    import torch.distributed as dist

    if not dist.is_initialized():
        dist.init_process_group("gloo", timeout=_PATIENCE)
    return Ranks(dist.get_rank(), dist.get_world_size())
