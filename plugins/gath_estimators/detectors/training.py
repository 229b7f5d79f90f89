"""Training of the two networks of the bundled detector."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gath_estimators.detectors.data import LandmarkBatch, Pool, landmark_batch, proposal_batch
from gath_estimators.detectors.networks import LandmarkNetwork, ProposalNetwork
from gath_estimators.training import has_native_bf16

PROPOSAL_BATCH, LANDMARK_BATCH = 24, 48
RATE = 2e-3
#: Weight of the jaw line's points in the landmark loss: hair and beards hide them.
JAW_WEIGHT = 0.5
_REPORT_EVERY = 50

Progress = Callable[[str, int, int, float], None]


def proposal_loss(answer: Tensor, target: Tensor, weight: Tensor, boxes: Tensor) -> Tensor:
    """Focal loss of the logits plus smooth L1 of the boxes, per positive cell.

    Source of the focal loss: Lin et al., Focal Loss for Dense Object Detection, ICCV 2017 (gamma 2).
    """
    logits = answer[:, 0]
    probability = logits.sigmoid()
    wrong = torch.where(target > 0, 1 - probability, probability)
    crossed = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    positives = target.sum().clamp(min=1)
    focal = (wrong.square() * crossed * weight).sum() / positives
    error = F.smooth_l1_loss(answer[:, 1:], boxes, reduction="none", beta=0.2).sum(1)
    loss: Tensor = focal + 0.5 * (error * target).sum() / positives
    return loss


def landmark_loss(points: Tensor, logits: Tensor, wanted: Tensor, size: Tensor, face: Tensor) -> Tensor:
    """Mean distance of the landmarks over the face size, plus a small binary cross-entropy of the logit."""
    weights = torch.ones(points.shape[1])
    weights[:17] = JAW_WEIGHT
    distance = (points - wanted).norm(dim=-1) / size[:, None]
    error = (distance * weights).sum(1) / weights.sum()
    known = face.float()
    crossed = F.binary_cross_entropy_with_logits(logits, known)
    loss: Tensor = (error * known).sum() / known.sum().clamp(min=1) + 0.05 * crossed
    return loss


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Torch's global generator at a seed, put back afterwards."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def train_proposals(pool: Pool, steps: int, seed: int, progress: Progress) -> ProposalNetwork:
    """The proposal network, trained from scratch."""
    pool = replace(pool)  # with backgrounds of its own: the result depends on pool, steps and seed alone

    def loss(network: nn.Module) -> Tensor:
        batch = proposal_batch(pool, PROPOSAL_BATCH)
        answer = _forward(network, batch.images)
        return proposal_loss(answer.float(), batch.target, batch.weight, batch.boxes)

    with _seeded(seed):
        network = ProposalNetwork()
        nn.init.constant_(network.head.bias[:1], -4.0)  # type: ignore[index]
        _fit("proposals", network, loss, steps, progress)
    return network


def train_landmarks(pool: Pool, steps: int, seed: int, progress: Progress) -> LandmarkNetwork:
    """The landmark network, trained from scratch."""
    pool = replace(pool)

    def batches() -> Iterator[LandmarkBatch]:
        # Drawing a batch takes as long as a step: each is used twice, the second time mirrored.
        while True:
            batch = landmark_batch(pool, LANDMARK_BATCH)
            yield batch
            yield batch.mirrored()

    stream = batches()

    def loss(network: nn.Module) -> Tensor:
        batch = next(stream)
        points, logits = _forward(network, batch.crops)
        return landmark_loss(points.float(), logits.float(), batch.points, batch.size, batch.face)

    with _seeded(seed + 1):
        network = LandmarkNetwork()
        network.shape.copy_(pool.shape)
        with torch.no_grad():
            network.votes.weight.mul_(0.1)
            nn.init.zeros_(network.votes.bias)  # type: ignore[arg-type]
        _fit("landmarks", network, loss, steps, progress)
    return network


def _forward(network: nn.Module, images: Tensor) -> Tensor:
    cast = torch.autocast("cpu", torch.bfloat16) if has_native_bf16("cpu") else nullcontext()
    with cast:
        answer: Tensor = network(images.contiguous(memory_format=torch.channels_last))
    return answer


def _fit(
    name: str, network: nn.Module, loss_of: Callable[[nn.Module], Tensor], steps: int, progress: Progress
) -> None:
    """Train with AdamW and a one-cycle learning rate, and leave the network in evaluation mode."""
    network.to(memory_format=torch.channels_last).train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps, pct_start=0.05)
    mean_loss = 0.0
    for step in range(steps):
        loss = loss_of(network)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimizer.step()
        schedule.step()
        mean_loss += (float(loss.detach()) - mean_loss) / min(step + 1, _REPORT_EVERY)
        if step % _REPORT_EVERY == 0 or step + 1 == steps:
            progress(name, step + 1, steps, mean_loss)
    network.eval()
