"""Training of the bundled evaluators: three tasks on one pool of labelled images."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from gath_bench.au import get_space
from gath_bench.files import atomic_write
from gath_estimators.augmentations import adversarial_paint, augment
from gath_estimators.data import Pool
from gath_estimators.networks import TRUNK_WIDTH, AUEnsemble, ConvEncoder, PatchEncoder

#: Images per step; identity encoder and trunk are trained on whole subjects, each with all its images.
BATCH = 64
#: Share of a batch that is not augmented.
UNAUGMENTED_SHARE = 0.5
#: Strong augmentations are introduced linearly between these shares of the training.
STRONG_RAMP = (0.3, 0.6)
#: Share of a batch with adversarial paint, chosen by the gradient of the network in training.
ADVERSARIAL_SHARE = 0.125
#: Maximum learning rate, and that of networks that are refined.
LEARNING_RATE, REFINE_LEARNING_RATE = 2e-3, 1e-3
#: Loss weights of AUs that move few pixels; all others have 1.
EMPHASIS = {"AU05": 4.0, "AU07": 2.0, "AU14": 2.0, "AU20": 2.0}
EMBEDDING = 128
#: Steps between two calls of `TrainingTask.progress`.
LOG_EVERY = 20
#: Steps between two checkpoints.
CHECKPOINT_EVERY = 500
#: Temperature of the contrastive loss.
TEMPERATURE = 0.1

N = TypeVar("N", bound=nn.Module)
Progress = Callable[[str, int, int, float], None]


@dataclass(frozen=True)
class TrainingTask:
    """The common settings of the three trainings.

    Attributes:
        pool: the images.
        steps: optimizer steps of each network.
        seed: of weights, batches and augmentations.
        device: ``"cpu"`` or ``"cuda:i"``.
        progress: called with the network's name, step, number of steps and loss.
        checkpoints: the folder of checkpoints, from which a stopped training is resumed; None for none.
    """

    pool: Pool
    steps: int
    seed: int
    device: str
    progress: Progress
    checkpoints: Path | None = None

    def checkpoint_of(self, name: str) -> Path | None:
        """The checkpoint of a network."""
        return self.checkpoints and self.checkpoints / f"{name.replace(' ', '-')}.checkpoint.pt"


def train_au_networks(
    task: TrainingTask, start: AUEnsemble | None = None
) -> tuple[ConvEncoder, PatchEncoder]:
    """Train both networks of the AU ensemble, independently.

    Args:
        task: data and steps.
        start: trained networks to refine, with strong augmentations from the first step; None for random weights.
    """
    aus, refine = task.pool.aus.shape[1], start is not None
    torch.manual_seed(task.seed)
    plain = start.plain if start else ConvEncoder(aus)
    plain = _fit("au plain", plain, task, _au_loss, by_subject=False, refine=refine)
    torch.manual_seed(task.seed)
    patches = start.patches if start else PatchEncoder(aus)
    patches = _fit("au patches", patches, task, _au_loss, by_subject=False, refine=refine)
    return plain, patches


def train_identity(task: TrainingTask) -> ConvEncoder:
    """Train the identity encoder: images -> embeddings."""
    torch.manual_seed(task.seed + 1)
    return _fit("identity", ConvEncoder(EMBEDDING), task, _identity_loss, by_subject=True)


def train_trunk(task: TrainingTask) -> ConvEncoder:
    """Train the perceptual trunk on identity and AUs at once."""
    torch.manual_seed(task.seed + 2)
    aus = task.pool.aus.shape[1]
    return _fit("trunk", ConvEncoder(EMBEDDING + aus, TRUNK_WIDTH), task, _trunk_loss, by_subject=True)


@dataclass(frozen=True)
class _Batch:
    images: Tensor
    identity: Tensor
    aus: Tensor
    weights: Tensor
    g: Generator
    strength: float


def _au_loss(network: nn.Module, batch: _Batch) -> Tensor:
    """Weighted mean squared error over AUs; a share of the images has adversarial paint towards other AUs."""
    images = batch.images
    if batch.strength > 0:
        count = int(len(images) * ADVERSARIAL_SHARE)
        knots = 2 ** int(torch.randint(2, 5, (1,), generator=batch.g, device=batch.g.device))
        amplitude = 0.12 * float(torch.rand(1, generator=batch.g, device=batch.g.device)) * batch.strength
        network.eval()
        painted = adversarial_paint(network, images[:count], batch.aus[:count].roll(1, 0), knots, amplitude)
        network.train()
        images = torch.cat([painted, images[count:]])
    squared: Tensor = (network(images).float() - batch.aus).square()
    return (squared * batch.weights).mean()


def emphasis(au_space: str) -> Tensor:
    """The loss weight of each AU of a space, (K,), with mean 1."""
    weights = torch.tensor([EMPHASIS.get(label, 1.0) for label in get_space(au_space).labels])
    return weights / weights.mean()


def contrastive_loss(embeddings: Tensor, identity: Tensor) -> Tensor:
    """Supervised contrastive loss (Khosla et al., Supervised Contrastive Learning, NeurIPS 2020).

    ``-mean_ij log (exp(z_i z_j / t) / sum_{k != i} exp(z_i z_k / t))`` over pairs i != j of one identity; z are the
    embeddings scaled to length 1, t = 0.1.

    Args:
        embeddings: (B, D).
        identity: int64 (B,).
    """
    unit = F.normalize(embeddings.float(), dim=1)
    similarity = unit @ unit.T / TEMPERATURE
    itself = torch.eye(len(unit), dtype=torch.bool, device=unit.device)
    log_share = similarity - similarity.masked_fill(itself, -math.inf).logsumexp(1, keepdim=True)
    pairs = (identity[:, None] == identity[None]) & ~itself
    return -log_share[pairs].mean()


def _identity_loss(network: nn.Module, batch: _Batch) -> Tensor:
    return contrastive_loss(network(batch.images), batch.identity)


def _trunk_loss(network: nn.Module, batch: _Batch) -> Tensor:
    outputs = network(batch.images).float()
    au_error = F.mse_loss(outputs[:, EMBEDDING:], batch.aus)
    return contrastive_loss(outputs[:, :EMBEDDING], batch.identity) + 10 * au_error


def _positions_by_subject(pool: Pool) -> Tensor:
    """Positions of images, int64 (subjects, images per subject); subjects have equally many images."""
    order = pool.identity.argsort(stable=True)
    shots = int(torch.unique(pool.identity, return_counts=True)[1].max())
    return order[: len(order) // shots * shots].reshape(-1, shots)


def _fit(
    name: str,
    network: N,
    task: TrainingTask,
    loss_of: Callable[[nn.Module, _Batch], Tensor],
    *,
    by_subject: bool,
    refine: bool = False,
) -> N:
    """Train with AdamW, a one-cycle schedule (warm-up, then cosine to zero), and bfloat16 where it is native.

    Args:
        by_subject: draw subjects with all their images; otherwise draw single images.
        refine: the network is trained already.
    """
    pool, device, rate = task.pool, task.device, REFINE_LEARNING_RATE if refine else LEARNING_RATE
    weights = emphasis(pool.au_space).to(device)
    network.to(device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    optimizer = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=task.steps, pct_start=0.05)
    g = Generator(device).manual_seed(task.seed)
    positions = _positions_by_subject(pool) if by_subject else torch.arange(len(pool))[:, None]
    cast = torch.autocast(device.split(":")[0], torch.bfloat16) if has_native_bf16(device) else nullcontext()
    path, stateful = task.checkpoint_of(name), (network, optimizer, schedule)
    first = _load_checkpoint(path, stateful, g) if path and path.is_file() else 0
    for step in range(first, task.steps):
        if path and step % CHECKPOINT_EVERY == 0 and step > first:
            _save_checkpoint(path, step, stateful, g)
        drawn = torch.randint(
            len(positions), (BATCH // positions.shape[1],), generator=g, device=device
        ).cpu()
        index = positions[drawn].flatten()
        images = pool.images[index].to(device).float().div(255).contiguous(memory_format=torch.channels_last)
        strength = 1.0 if refine else _ramp(step / task.steps, *STRONG_RAMP)
        augmented = round(len(images) * (1 - UNAUGMENTED_SHARE))
        images = torch.cat([augment(images[:augmented], g, strength), images[augmented:]])
        identity, aus = pool.identity[index].to(device), pool.aus[index].to(device)
        batch = _Batch(images, identity, aus, weights, g, strength)
        with cast:
            loss = loss_of(network, batch)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        if step % LOG_EVERY == 0 or step + 1 == task.steps:
            task.progress(name, step + 1, task.steps, float(loss.detach()))
    if path:
        _save_checkpoint(path, task.steps, stateful, g)
    return network.eval()


def _save_checkpoint(path: Path, step: int, stateful: Sequence[Any], g: Generator) -> None:
    """Write the state before a step: of the network, the optimizer, the schedule and the random numbers."""
    content = {"step": step, "states": [item.state_dict() for item in stateful], "g": g.get_state()}
    with atomic_write(path) as file:
        torch.save(content, file)


def _load_checkpoint(path: Path, stateful: Sequence[Any], g: Generator) -> int:
    """Restore a checkpoint; returns the next step."""
    content = torch.load(path, weights_only=True, map_location="cpu")
    for item, state in zip(stateful, content["states"], strict=True):
        item.load_state_dict(state)
    g.set_state(content["g"])
    return int(content["step"])


def _ramp(x: float, start: float, end: float) -> float:
    """0 up to ``start``, 1 from ``end`` on, linear in between."""
    return 1.0 if x >= end else max(0.0, (x - start) / (end - start))


def has_native_bf16(device: str) -> bool:
    """Whether bfloat16 convolutions are native: on CUDA, and on CPUs with AVX-512 BF16."""
    if device.startswith("cuda"):
        return True
    return torch.cpu._is_avx512_bf16_supported()
