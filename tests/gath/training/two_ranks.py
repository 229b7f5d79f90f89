"""Run by ``torchrun`` from test_ranks: train on two ranks, and compare the weights after each stage."""

from __future__ import annotations

import sys
from pathlib import Path

import torch
import torch.distributed as dist

sys.path.insert(0, str(Path(__file__).parent.parent))

from conftest import ToyContext
from gath.config import read_config
from gath.training import loop
from gath.training.run import TrainingRun

finish_stage = loop._finish_stage


def compare(stage, run, ctx, streams, logger):  # type: ignore[no-untyped-def]
    """At the end of a stage, the networks of both ranks are equal, and their batches are not."""
    for name, network in stage.networks.items():
        flat = torch.cat([value.float().flatten() for value in network.state_dict().values()])
        both = [torch.zeros_like(flat) for _ in range(2)]
        dist.all_gather(both, flat)
        assert torch.equal(*both), f"the ranks' {name} differ"
    drawn = ctx.data.stills.batch(0, 16, ctx.rng("a batch")).labels
    both = [torch.zeros_like(drawn) for _ in range(2)]
    dist.all_gather(both, drawn)
    assert not torch.equal(*both), "both ranks draw the same batch"
    finish_stage(stage, run, ctx, streams, logger)
    if ctx.ranks.first:
        print(f"{stage.name}: equal", flush=True)


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    loop._finish_stage = compare
    assert loop.train(TrainingRun(read_config("tiny", ("data.name=toy-faces",)), ToyContext(), folder))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
