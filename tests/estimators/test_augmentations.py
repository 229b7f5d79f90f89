"""The augmentations of the evaluators' training."""

from __future__ import annotations

import pytest
import torch
from gath_estimators.augmentations import HEAVY, LIGHT, adversarial_paint, augment
from gath_estimators.networks import ConvEncoder

from gath_bench.augmentations import Augmentation, apply_to_share


def _images(count: int = 6) -> torch.Tensor:
    return torch.rand(count, 3, 96, 96, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("augmentation", [augmentation for augmentation, _ in (*LIGHT, *HEAVY)])
def test_each_augmentation_changes_something_and_repeats(augmentation: Augmentation) -> None:
    made = [augmentation(_images(), torch.Generator().manual_seed(3)) for _ in range(2)]
    assert made[0].shape == (6, 3, 96, 96)
    assert bool((made[0] == made[1]).all())
    assert float((made[0] - _images()).abs().mean()) > 1e-3


def test_all_together_stay_in_range() -> None:
    augmented = augment(_images(64), torch.Generator().manual_seed(0))
    assert float(augmented.min()) >= -1e-6
    assert float(augmented.max()) <= 1 + 1e-6


def test_hardness_zero_leaves_out_the_heavy_ones() -> None:
    light = augment(_images(), torch.Generator().manual_seed(0), 0.0)
    expected, g = _images(), torch.Generator().manual_seed(0)
    for augmentation, share in LIGHT:
        expected = apply_to_share(expected, g, share, augmentation)
    assert bool((light == expected).all())


def test_adversarial_paint_moves_the_answer_towards_the_wanted_aus() -> None:
    torch.manual_seed(0)
    network, images = ConvEncoder(17, width=8).eval(), _images(8)
    wanted = network(images).detach() + 0.5
    painted = adversarial_paint(network, images, wanted, 8, 0.05)
    assert float((painted - images).abs().max()) <= 0.05 + 1e-6
    before, after = (float((network(x) - wanted).square().mean().detach()) for x in (images, painted))
    assert after < before
