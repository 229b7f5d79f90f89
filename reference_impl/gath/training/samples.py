"""Sample images of a generator in training: each row is a portrait, each column an expression."""

from __future__ import annotations

import torch
from torch import Tensor

from gath.networks.encoders import AUEstimator
from gath.networks.generator import Generator
from gath_bench.au import SPACES

#: The AUs that are shown, where the AU space has these labels.
_SHOWN = ("AU01", "AU04", "AU06", "AU09", "AU12", "AU15", "AU25", "AU26", "AU45")


def shown_aus(au_space: str, count: int = 9) -> Tensor:
    """(1 + n, K): no AU, then single AUs at 1; without known labels, ``count`` evenly spaced coefficients."""
    labels = SPACES[au_space].labels
    indices = [labels.index(label) for label in _SHOWN if label in labels]
    if not indices:
        indices = list(range(0, len(labels), -(-len(labels) // count)))
    return torch.cat([torch.zeros(1, len(labels)), torch.eye(len(labels))[indices]])


def tile(rows: list[Tensor]) -> Tensor:
    """Image rows (n, 3, R, R) -> one image (3, rows * R, n * R)."""
    return torch.cat([torch.cat(list(row), dim=2) for row in rows], dim=1)


@torch.no_grad()
def sample_sheet(generator: Generator, estimator: AUEstimator, portraits: Tensor, au_space: str) -> Tensor:
    """Each portrait, followed by itself with the shown AUs: (3, H, W) on the CPU."""
    own = estimator(portraits).clamp(0, 1)
    targets = [aus.expand(len(portraits), -1) for aus in shown_aus(au_space).to(portraits)]
    generated = [generator(portraits, aus, own).image for aus in targets]
    return tile(list(torch.stack([portraits, *generated], dim=1).float().cpu()))
