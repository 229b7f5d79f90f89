"""Pictures to look at: each row a portrait, each column an expression."""

from __future__ import annotations

import torch
from torch import Tensor

from gath.networks.encoders import AUEstimator
from gath.networks.generator import Generator
from gath_bench.au import SPACES

#: What is shown of an AU space by default, where it has these labels; else every so many coefficients.
_SHOWN = ("AU01", "AU04", "AU06", "AU09", "AU12", "AU15", "AU25", "AU26", "AU45")


def shown_aus(au_space: str, count: int = 9) -> Tensor:
    """(1 + n, K): no AU, then one AU at 1 each."""
    labels = SPACES[au_space].labels
    rows = [labels.index(label) for label in _SHOWN if label in labels]
    if not rows:
        rows = list(range(0, len(labels), -(-len(labels) // count)))
    return torch.cat([torch.zeros(1, len(labels)), torch.eye(len(labels))[rows]])


def tile(rows: list[Tensor]) -> Tensor:
    """Rows of images (n, 3, R, R) -> one picture (3, rows * R, n * R)."""
    return torch.cat([torch.cat(list(row), dim=2) for row in rows], dim=1)


@torch.no_grad()
def sample_grid(generator: Generator, estimator: AUEstimator, portraits: Tensor, au_space: str) -> Tensor:
    """The portraits, each followed by itself under the shown AUs; (3, H, W) on the CPU."""
    own = estimator(portraits).clamp(0, 1)
    asked = [aus.expand(len(portraits), -1) for aus in shown_aus(au_space).to(portraits)]
    painted = [generator(portraits, aus, own).image for aus in asked]
    stacked = torch.stack([portraits, *painted], dim=1).float().cpu()
    return tile(list(stacked))
