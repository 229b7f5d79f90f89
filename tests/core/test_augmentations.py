"""Augmentations: seeded, per image, in range, differentiable, and neutral where their strength is 0."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from gath_bench import augmentations as library
from gath_bench.augmentations import Augmentation

ALL: dict[str, Augmentation] = {
    "flip": library.flip,
    "affine": partial(library.affine, turn=0.1, zoom=0.1, ripple=1.0),
    "saturation": library.saturation,
    "gain": partial(library.gain, common=0.2),
    "blur": partial(library.blur, passes=3),
    "local blur": partial(library.blur, passes=3, local=True),
    "noise": library.noise,
    "sparse noise": partial(library.noise, sparse=True),
    "paint": library.paint,
    "tint": library.tint,
    "ghost": library.ghost,
    "pixelate": library.pixelate,
    "lighting": library.lighting,
    "occlude": library.occlude,
    "downscale": library.downscale,
    "compress": library.compress,
}
#: Each with a strength at which it must return its input.
NEUTRAL: dict[str, Augmentation] = {
    "affine": partial(library.affine, shift=0.0),
    "saturation": partial(library.saturation, low=1.0, high=1.0),
    "gain": partial(library.gain, channels=0.0, offset=0.0),
    "noise": partial(library.noise, strength=0.0),
    "paint": partial(library.paint, most=0.0),
    "tint": partial(library.tint, strength=0.0),
    "ghost": partial(library.ghost, most=0.0),
    "pixelate": partial(library.pixelate, most=0.0),
    "lighting": partial(library.lighting, strength=0.0),
    "downscale": partial(library.downscale, most=1.0),
}


def _images(count: int = 12, side: int = 32) -> torch.Tensor:
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(0))


def _rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("name", ALL)
def test_augmentations_follow_their_seed_and_keep_shape_and_range(name: str) -> None:
    images = _images()
    first, again, other = (ALL[name](images, _rng(seed)) for seed in (1, 1, 2))
    assert first.shape == images.shape
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert first.min() >= -1e-6
    assert first.max() <= 1 + 1e-6
    assert (first - images).abs().mean() > 1e-3


@pytest.mark.parametrize("name", ALL)
def test_gradients_reach_the_input(name: str) -> None:
    images = (_images() * 0.5 + 0.25).requires_grad_()
    ALL[name](images, _rng()).sum().backward()
    assert images.grad is not None
    assert (images.grad.flatten(1).abs().sum(1) > 0).all()


@pytest.mark.parametrize("name", NEUTRAL)
def test_strength_zero_returns_the_input(name: str) -> None:
    images = _images()
    assert torch.allclose(NEUTRAL[name](images, _rng()), images, atol=1e-5)


def test_only_the_chosen_share_is_changed() -> None:
    images = _images(400, 2)
    changed = library.apply_to_share(images, _rng(), 0.3, lambda chosen, _: chosen + 1) != images
    share = changed.flatten(1).all(1).float().mean()
    assert 0.2 < share < 0.4
    assert torch.equal(changed.flatten(1).any(1), changed.flatten(1).all(1))
    assert torch.equal(library.apply_to_share(images, _rng(), 0.0, lambda chosen, _: chosen + 1), images)


def test_flip_mirrors_or_keeps_each_image() -> None:
    images = _images()
    for before, after in zip(images, library.flip(images, _rng()), strict=True):
        assert torch.equal(after, before) or torch.equal(after, before.flip(-1))


def test_a_shift_moves_every_image_by_its_own_offset() -> None:
    """A bright square is found again at most ``shift`` of the side away, and not everywhere at the same place."""
    images = torch.zeros(16, 3, 64, 64)
    images[:, :, 28:36, 28:36] = 1
    moved = library.affine(images, _rng(), shift=0.1)[:, 0]
    line = torch.arange(64) + 0.5
    x = (moved.sum(1) * line).sum(1) / moved.sum((1, 2))
    assert ((x - 32).abs() <= 0.1 * 64 + 0.5).all()
    assert x.std() > 1


def test_saturation_keeps_the_luma() -> None:
    images, luma = _images(), torch.tensor(library.LUMA)[:, None, None]
    grey = library.saturation(images, _rng(), high=0.0)
    assert torch.allclose((grey * luma).sum(1), (images * luma).sum(1), atol=1e-5)
    assert (grey - grey.mean(1, keepdim=True)).abs().max() < 1e-5


def test_blur_passes_repeat_the_binomial_filter() -> None:
    impulse = torch.zeros(1, 3, 9, 9)
    impulse[..., 4, 4] = 1
    once = library.blur(impulse, _rng())
    line = torch.tensor([0.25, 0.5, 0.25])
    assert torch.allclose(once[0, 0, 3:6, 3:6], line[:, None] * line, atol=1e-6)
    assert library.blur(impulse.repeat(20, 1, 1, 1), _rng(), passes=3).amax((1, 2, 3)).unique().numel() == 3


def test_compression_follows_the_quality() -> None:
    """A smooth image survives quality 95 nearly unchanged; low quality costs more, and blocks keep their mean."""
    ramp = torch.linspace(0.2, 0.8, 32).expand(4, 3, 32, 32).contiguous()
    fine, coarse = (library.compress(ramp, _rng(), least=q, most=q) for q in (95, 10))
    assert (fine - ramp).abs().max() < 2 / 255
    assert (coarse - ramp).abs().mean() > (fine - ramp).abs().mean()
    grey = torch.full((1, 3, 16, 16), 0.5)
    assert torch.allclose(library.compress(grey, _rng()), grey, atol=4 / 255)


def test_an_occluder_covers_a_part_and_leaves_the_rest() -> None:
    images = _images()
    changed = (library.occlude(images, _rng()) != images).any(1).flatten(1).float().mean(1)
    assert (changed > 0).any()
    assert (changed < 0.5).all()
