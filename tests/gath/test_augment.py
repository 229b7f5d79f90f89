"""What images go through on their way to a teacher."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from gath import augment

WAYS = [
    augment.flip, augment.desaturate, augment.gain, augment.blur, augment.noise, augment.move, augment.blobs,
    augment.ghost, augment.before_estimator, augment.for_classifier,
]  # fmt: skip
Way = Callable[[torch.Tensor, torch.Generator], torch.Tensor]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_every_way_follows_its_seed_and_keeps_the_range(way: Way) -> None:
    images = torch.rand(12, 3, 32, 32)
    first, again, other = (way(images, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert first.shape == images.shape
    assert first.min() >= -1e-6
    assert first.max() <= 1 + 1e-6


def test_no_strength_is_a_flip_and_nothing_else() -> None:
    images = torch.rand(8, 3, 16, 16)
    seen = augment.for_estimator(images, torch.Generator().manual_seed(0), 0.0)
    for before, after in zip(images, seen, strict=True):
        assert torch.equal(after, before) or torch.equal(after, before.flip(-1))


def test_gradients_reach_the_painted_image() -> None:
    images = torch.rand(8, 3, 32, 32, requires_grad=True)
    augment.before_estimator(images, torch.Generator().manual_seed(0)).sum().backward()
    assert images.grad is not None
    assert (images.grad.flatten(1).abs().sum(1) > 0).all()


def test_desaturation_keeps_the_light() -> None:
    images, luma = torch.rand(8, 3, 8, 8), torch.tensor([0.299, 0.587, 0.114])[:, None, None]
    grey = augment.desaturate(images, torch.Generator().manual_seed(0), chance=1.0)
    assert torch.allclose((grey * luma).sum(1), (images * luma).sum(1), atol=1e-5)
    assert (grey - grey.mean(1, keepdim=True)).abs().mean() < (
        images - images.mean(1, keepdim=True)
    ).abs().mean()
