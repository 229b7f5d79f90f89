"""Target expressions of G: AU vectors, without images that show them."""

from __future__ import annotations

import torch
from torch import Tensor

from gath.config import TargetConfig


def draw_targets(
    source_aus: Tensor, frame_aus: Tensor, shares: TargetConfig, rng: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Targets for a batch of portraits.

    Args:
        source_aus: (B, K), the portraits' own AUs, as E estimates them.
        frame_aus: (B, K), the AUs of frames of other people.
        shares: the share of each kind of target.
        rng: a CPU generator.

    Returns:
        targets (B, K) in [0, 1], and the positions (n,), on the CPU, of the targets that request no change.
    """
    count, aus = source_aus.shape
    odds = torch.tensor([shares.frames, shares.change, shares.alone, shares.neutral, shares.same])
    kind = torch.multinomial(odds, count, replacement=True, generator=rng)
    chosen = torch.nn.functional.one_hot(torch.randint(aus, (count,), generator=rng), aus).bool()
    value = torch.rand(count, 1, generator=rng)
    kinds, one, value = (
        kind.to(source_aus.device)[:, None],
        chosen.to(source_aus.device),
        value.to(source_aus),
    )
    nothing = torch.zeros_like(source_aus)
    targets = torch.where(kinds == 0, frame_aus, source_aus)
    targets = torch.where(kinds == 1, torch.where(one, value, source_aus), targets)
    targets = torch.where(kinds == 2, torch.where(one, value, nothing), targets)
    targets = torch.where(kinds == 3, nothing, targets)
    return targets, (kind == 4).nonzero()[:, 0]
