"""Disguises change the picture, not its shape, range or reproducibility."""

from __future__ import annotations

import pytest
import torch
from gath_estimators import disguise
from gath_estimators.networks import ConvEncoder


def _images(count: int = 6) -> torch.Tensor:
    return torch.rand(count, 3, 96, 96, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("wear", [wear for wear, _ in (*disguise.LIGHT, *disguise.HEAVY)])
def test_each_disguise_changes_something_and_repeats(wear: disguise.Disguise) -> None:
    made = [wear(_images(), torch.Generator().manual_seed(3)) for _ in range(2)]
    assert made[0].shape == (6, 3, 96, 96)
    assert bool((made[0] == made[1]).all())
    assert float((made[0] - _images()).abs().mean()) > 1e-3


def test_all_together_stay_in_range() -> None:
    worn = disguise.disguise(_images(64), torch.Generator().manual_seed(0))
    assert 0 <= float(worn.min()) <= float(worn.max()) <= 1


def test_hardness_zero_leaves_out_the_heavy_ones() -> None:
    light = disguise.disguise(_images(), torch.Generator().manual_seed(0), 0.0)
    by_hand, g = _images(), torch.Generator().manual_seed(0)
    for wear, share in disguise.LIGHT:
        chosen = (torch.rand(6, generator=g) < share).nonzero().flatten()
        by_hand[chosen] = wear(by_hand[chosen], g).clamp(0, 1)
    assert bool((light == by_hand).all())


def test_chosen_paint_moves_the_answer_towards_what_is_feigned() -> None:
    torch.manual_seed(0)
    network, images = ConvEncoder(17, width=8).eval(), _images(8)
    wanted = network(images).detach() + 0.5
    painted = disguise.paint_against(network, images, wanted, 8, 0.05)
    assert float((painted - images).abs().max()) <= 0.05 + 1e-6
    before, after = (float((network(x) - wanted).square().mean().detach()) for x in (images, painted))
    assert after < before
