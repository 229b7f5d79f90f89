"""How the bundled evaluators are trained: three lessons on one pool of labelled images."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from gath_bench.au import get_space
from gath_estimators.augmentations import adversarial_paint, augment
from gath_estimators.data import Pool
from gath_estimators.networks import TRUNK_WIDTH, AUEnsemble, Patches, Plain

#: Images a step; identity and trunk take whole subjects, each in all its shots.
BATCH = 64
#: Share of a batch that is not augmented: a network that sees painted faces only learns slowly.
PLAIN = 0.5
#: Between these shares of the training the heavy augmentations are introduced.
HEAVY = (0.3, 0.6)
#: Share of a batch that wears paint chosen by the network's own gradient.
OWN_PAINT = 0.125
#: Highest learning rate, and that of networks that are trained on.
RATE, LATER_RATE = 2e-3, 1e-3
#: AUs that move few pixels weigh more, or the network spends itself on jaws.
EMPHASIS = {"AU05": 4.0, "AU07": 2.0, "AU14": 2.0, "AU20": 2.0}
EMBEDDING = 128
#: Steps between two words on how it goes.
TOLD_EVERY = 20
#: Temperature of the contrastive loss.
TEMPERATURE = 0.1

N = TypeVar("N", bound=nn.Module)
Progress = Callable[[str, int, int, float], None]


@dataclass(frozen=True)
class Lesson:
    """What is the same in every lesson.

    Attributes:
        pool: the images.
        steps: optimizer steps of each network.
        seed: of weights, batches and augmentations.
        device: ``"cpu"`` or ``"cuda:i"``.
        progress: called with the network's name, step, steps and loss.
    """

    pool: Pool
    steps: int
    seed: int
    device: str
    progress: Progress


def train_au_networks(lesson: Lesson, start: AUEnsemble | None = None) -> tuple[Plain, Patches]:
    """Both families of the AU ensemble, each by itself.

    Args:
        lesson: data and steps.
        start: go on from these, which were trained with heavy augmentations already; else from nothing.
    """
    aus, later = lesson.pool.aus.shape[1], start is not None
    torch.manual_seed(lesson.seed)
    plain = start.plain if start else Plain(aus)
    plain = _fit("au plain", plain, lesson, _au_loss, by_subject=False, later=later)
    torch.manual_seed(lesson.seed)
    patches = start.patches if start else Patches(aus)
    patches = _fit("au patches", patches, lesson, _au_loss, by_subject=False, later=later)
    return plain, patches


def train_identity(lesson: Lesson) -> Plain:
    """The identity encoder: images -> embeddings."""
    torch.manual_seed(lesson.seed + 1)
    return _fit("identity", Plain(EMBEDDING), lesson, _identity_loss, by_subject=True)


def train_trunk(lesson: Lesson) -> Plain:
    """The perceptual trunk: its stages serve two ends at once, who it is and what the face does."""
    torch.manual_seed(lesson.seed + 2)
    aus = lesson.pool.aus.shape[1]
    return _fit("trunk", Plain(EMBEDDING + aus, TRUNK_WIDTH), lesson, _trunk_loss, by_subject=True)


@dataclass(frozen=True)
class _Batch:
    images: Tensor
    identity: Tensor
    aus: Tensor
    weights: Tensor
    g: Generator
    hardness: float


def _au_loss(network: nn.Module, batch: _Batch) -> Tensor:
    """Weighted mean squared error over AUs; a share of the faces wears paint that feigns the AUs of the next one."""
    images = batch.images
    if batch.hardness > 0:
        painted = int(len(images) * OWN_PAINT)
        knots = 2 ** int(torch.randint(2, 5, (1,), generator=batch.g, device=batch.g.device))
        strength = 0.12 * float(torch.rand(1, generator=batch.g, device=batch.g.device)) * batch.hardness
        network.eval()
        worn = adversarial_paint(network, images[:painted], batch.aus[:painted].roll(1, 0), knots, strength)
        network.train()
        images = torch.cat([worn, images[painted:]])
    squared: Tensor = (network(images).float() - batch.aus).square()
    return (squared * batch.weights).mean()


def emphasis(au_space: str) -> Tensor:
    """The weight of each AU of a space, (K,), with mean 1."""
    weights = torch.tensor([EMPHASIS.get(label, 1.0) for label in get_space(au_space).labels])
    return weights / weights.mean()


def contrastive_loss(embeddings: Tensor, identity: Tensor) -> Tensor:
    """Supervised contrastive loss: images of one identity attract, all others repel.

    ``-mean_ij log (exp(z_i z_j / t) / sum_{k != i} exp(z_i z_k / t))`` over pairs i != j of one identity; z of
    length 1, t = 0.1. Source: Khosla and others, Supervised Contrastive Learning, NeurIPS 2020.

    Args:
        embeddings: (B, D).
        identity: int64 (B,).
    """
    unit = F.normalize(embeddings.float(), dim=1)
    alike = unit @ unit.T / TEMPERATURE
    own = torch.eye(len(unit), dtype=torch.bool, device=unit.device)
    log_share = alike - alike.masked_fill(own, -math.inf).logsumexp(1, keepdim=True)
    pairs = (identity[:, None] == identity[None]) & ~own
    return -log_share[pairs].mean()


def _identity_loss(network: nn.Module, batch: _Batch) -> Tensor:
    return contrastive_loss(network(batch.images), batch.identity)


def _trunk_loss(network: nn.Module, batch: _Batch) -> Tensor:
    answer = network(batch.images).float()
    told_aus = F.mse_loss(answer[:, EMBEDDING:], batch.aus)
    return contrastive_loss(answer[:, :EMBEDDING], batch.identity) + 10 * told_aus


def _rows(pool: Pool) -> Tensor:
    """Positions of images, one subject a row, all with equally many shots."""
    order = pool.identity.argsort(stable=True)
    shots = int(torch.unique(pool.identity, return_counts=True)[1].max())
    return order[: len(order) // shots * shots].reshape(-1, shots)


def _fit(
    name: str,
    network: N,
    lesson: Lesson,
    loss_of: Callable[[nn.Module, _Batch], Tensor],
    *,
    by_subject: bool,
    later: bool = False,
) -> N:
    """AdamW with a warm-up and a cosine down to zero, in bfloat16 where it is fast.

    Args:
        by_subject: batches hold several shots of each subject; else they are drawn image by image.
        later: the network is trained already.
    """
    pool, device, rate = lesson.pool, lesson.device, LATER_RATE if later else RATE
    weights = emphasis(pool.au_space).to(device)
    network.to(device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    optimizer = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=lesson.steps, pct_start=0.05)
    g = Generator(device).manual_seed(lesson.seed)
    rows = _rows(pool) if by_subject else torch.arange(len(pool))[:, None]
    cast = torch.autocast(device.split(":")[0], torch.bfloat16) if bf16_pays(device) else nullcontext()
    for step in range(lesson.steps):
        drawn = torch.randint(len(rows), (BATCH // rows.shape[1],), generator=g, device=device).cpu()
        index = rows[drawn].flatten()
        images = pool.images[index].to(device).float().div(255).contiguous(memory_format=torch.channels_last)
        hardness = 1.0 if later else _ramp(step / lesson.steps, *HEAVY)
        worn = round(len(images) * (1 - PLAIN))
        images = torch.cat([augment(images[:worn], g, hardness), images[worn:]])
        identity, aus = pool.identity[index].to(device), pool.aus[index].to(device)
        batch = _Batch(images, identity, aus, weights, g, hardness)
        with cast:
            loss = loss_of(network, batch)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        if step % TOLD_EVERY == 0 or step + 1 == lesson.steps:
            lesson.progress(name, step + 1, lesson.steps, float(loss.detach()))
    return network.eval()


def _ramp(x: float, start: float, end: float) -> float:
    """0 up to the start, 1 from the end on, a line in between."""
    return 1.0 if x >= end else max(0.0, (x - start) / (end - start))


def bf16_pays(device: str) -> bool:
    """Whether bfloat16 convolutions are native there: on CUDA, and on CPUs with the instructions."""
    if device.startswith("cuda"):
        return True
    return torch.cpu._is_avx512_bf16_supported()
