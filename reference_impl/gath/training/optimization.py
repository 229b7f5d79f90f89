"""Learning rate schedules, and freezing of networks."""

from __future__ import annotations

import math
from typing import TypeVar

import torch
from torch import nn

Network = TypeVar("Network", bound=nn.Module)


def freeze(network: Network) -> Network:
    """Inference mode, without gradients for its weights; gradients still pass through to its input."""
    return network.eval().requires_grad_(False)


def cosine_rate(step: int, steps: int) -> float:
    """Factor of the learning rate: a linear warm-up over 5 % of the steps, then half a cosine down to 0."""
    warm = max(1, steps // 20)
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))


def linear_rate(step: int, steps: int, decay_from: float) -> float:
    """Factor of the learning rate: 1, then linear down to 0 from the share ``decay_from`` of the steps on."""
    start = decay_from * steps
    return 1.0 if step < start else max(0.0, (steps - step) / max(1.0, steps - start))


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Set the learning rate of all parameter groups."""
    for group in optimizer.param_groups:
        group["lr"] = rate
