"""Run by ``torchrun`` from test_ranks: train on two ranks, and compare the weights that each ends with."""

from __future__ import annotations

import sys
from pathlib import Path

import torch
import torch.distributed as dist

sys.path.insert(0, str(Path(__file__).parent))

from conftest import Bench
from gath import trainer
from gath.config import read_config
from gath.trainer import Job, train

kept = trainer._keep


def compare(stage, job, shop, streams, voice):  # type: ignore[no-untyped-def]
    """At the end of each stage: all networks of both ranks are equal, and the batches were not."""
    for name, network in stage.networks.items():
        flat = torch.cat([value.float().flatten() for value in network.state_dict().values()])
        both = [torch.zeros_like(flat) for _ in range(2)]
        dist.all_gather(both, flat)
        assert torch.equal(*both), f"the ranks' {name} differ"
    drawn = shop.stills.batch(0, 16, shop.rng("a batch")).labels
    both = [torch.zeros_like(drawn) for _ in range(2)]
    dist.all_gather(both, drawn)
    assert not torch.equal(*both), "both ranks draw the same batch"
    kept(stage, job, shop, streams, voice)
    if shop.ranks.first:
        print(f"{stage.name}: equal", flush=True)


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    trainer._keep = compare
    assert train(Job(read_config("tiny", ("data.name=toy-faces",)), Bench(), folder))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
