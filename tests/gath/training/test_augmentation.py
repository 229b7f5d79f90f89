"""The augmentations of the training."""

from __future__ import annotations

import pytest
import torch
from gath.training.augmentation import augment_frames, augment_stills, randomize, wash

from gath_bench.augmentations import Augmentation


@pytest.mark.parametrize("augmentation", [augment_stills, wash])
def test_augmentations_follow_their_seed_and_keep_the_range(augmentation: Augmentation) -> None:
    images = torch.rand(12, 3, 32, 32)
    first, again, other = (augmentation(images, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert first.shape == images.shape
    assert first.min() >= -1e-6
    assert first.max() <= 1 + 1e-6


def test_strength_zero_mirrors_frames_and_nothing_else() -> None:
    images = torch.rand(8, 3, 16, 16)
    for mirror in (True, False):
        augmented = augment_frames(images, torch.Generator().manual_seed(0), 0.0, mirror=mirror)
        for before, after in zip(images, augmented, strict=True):
            assert torch.equal(after, before) or (mirror and torch.equal(after, before.flip(-1)))


def test_half_of_the_frames_stay_as_they_are() -> None:
    images = torch.rand(8, 3, 32, 32)
    augmented = augment_frames(images, torch.Generator().manual_seed(0), 1.0, mirror=False)
    assert torch.equal(augmented[:4], images[:4])
    assert ((augmented[4:] - images[4:]).abs().flatten(1).mean(1) > 1e-3).all()


def test_gradients_reach_the_generated_image() -> None:
    images = torch.rand(8, 3, 32, 32, requires_grad=True)
    wash(images, torch.Generator().manual_seed(0)).sum().backward()
    assert images.grad is not None
    assert (images.grad.flatten(1).abs().sum(1) > 0).all()


def test_randomization_changes_both_frames_of_a_clip_alike() -> None:
    """Where the frames are equal they stay equal; strength 0 is the identity."""
    source = torch.rand(8, 3, 32, 32)
    target = source.clone()
    target[:4] = target[:4].flip(-1)
    first, second = (randomize(images, torch.Generator().manual_seed(1), 1.0) for images in (source, target))
    assert torch.equal(first[4:], second[4:])
    assert not torch.equal(first[:4], second[:4])
    assert (first - source).abs().mean() > 0.01
    assert torch.equal(randomize(source, torch.Generator().manual_seed(1), 0.0), source)
