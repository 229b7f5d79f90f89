"""Properties of the four networks."""

from __future__ import annotations

import pytest
import torch
from gath.config import read_config
from gath.networks.build import build_generator
from gath.networks.discriminator import Discriminator, set_trainable
from gath.networks.encoders import AUEstimator, IdentityClassifier
from gath.networks.generator import DirectGenerator, Generator, WarpGenerator, local_mean, warp


def _inputs(side: int, aus: int = 17) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    return torch.rand(2, 3, side, side), torch.rand(2, aus), torch.rand(2, aus)


@pytest.mark.parametrize(("side", "patch"), [(64, 1), (64, 2), (128, 1), (128, 2), (128, 4)])
@pytest.mark.parametrize("aus", [17, 46])
def test_both_generators_support_every_resolution_and_au_space(side: int, aus: int, patch: int) -> None:
    source, target, own = _inputs(side, aus)
    for network in (DirectGenerator(aus, side, 4, 1, patch), WarpGenerator(aus, side, 4, 1, patch)):
        image = network(source, target, own).image
        assert image.shape == source.shape
        assert image.min() >= 0
        assert image.max() <= 1


@pytest.mark.parametrize("patch", [1, 2])
def test_untrained_generators_are_the_identity(patch: int) -> None:
    source, target, own = _inputs(64)
    warped = WarpGenerator(17, 64, 4, 1, patch)(source, target, own)
    assert warped.flow is not None
    assert warped.flow.abs().max() == 0
    assert (warped.image - source).abs().max() < 1e-5
    direct = DirectGenerator(17, 64, 4, 1, patch)(source, target, own)
    assert (direct.image - source).abs().max() <= 0.5 / 255 + 1e-5


def _randomized(network: Generator) -> Generator:
    """The network with random weights."""
    rng = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in network.parameters():
            weight += torch.randn(weight.shape, generator=rng)
    return network


def test_flow_and_residual_stay_within_their_bounds() -> None:
    network = _randomized(WarpGenerator(17, 64, 4, 1, max_flow=0.1, chroma=0.0))
    generated = network(*_inputs(64))
    assert generated.flow is not None
    assert generated.mask is not None
    assert generated.residual is not None
    assert 0.05 < generated.flow.abs().max() <= 0.1
    assert generated.residual.abs().max() <= 1
    # Without chroma the residual is grey.
    assert (generated.residual - generated.residual.mean(1, keepdim=True)).abs().max() < 1e-6
    assert generated.mask.min() >= 0
    assert generated.mask.max() <= 1


def _uniform(opacity: float) -> WarpGenerator:
    """A generator with this opacity everywhere, which adds no colour and moves nothing."""
    network = WarpGenerator(17, 64, 4, 1, replace=True)
    with torch.no_grad():
        network.opacity.bias.fill_(torch.logit(torch.tensor(opacity)))  # type: ignore[union-attr]
    return network


def test_full_opacity_replaces_detail_by_its_local_mean() -> None:
    """Stripes of one pixel vanish, and what is smooth stays."""
    stripes = torch.zeros(1, 3, 64, 64)
    stripes[..., ::2] = 0.4
    source, aus = stripes + torch.linspace(0.2, 0.5, 64)[:, None], torch.zeros(1, 17)
    image = _uniform(1 - 1e-6)(source, aus, aus).image
    inside = image[..., 20:44, 20:44]
    assert inside.diff(dim=-1).abs().max() < 0.01
    assert (inside - (source[..., 20:44, 20:44] - stripes[..., 20:44, 20:44] + 0.2)).abs().max() < 0.02


def test_the_local_mean_is_the_one_of_average_pooling() -> None:
    image = torch.rand(2, 3, 32, 48)
    expected = image
    for _ in range(2):
        expected = torch.nn.functional.avg_pool2d(expected, 9, 1, 4, count_include_pad=False)
    assert torch.allclose(local_mean(image, 4), expected, atol=1e-6)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.allclose(local_mean(image, 4), expected, atol=1e-6)


def test_small_opacities_are_removed_in_evaluation_mode_only() -> None:
    """The background keeps its values."""
    network = _uniform(0.04)
    source, aus = torch.rand(1, 3, 64, 64), torch.zeros(1, 17)
    assert not torch.allclose(network.train()(source, aus, aus).image, source, atol=1e-3)
    assert torch.allclose(network.eval()(source, aus, aus).image, source, atol=1e-5)
    half = _uniform(0.5).eval()(source, aus, aus).opacity
    assert torch.allclose(half, torch.full_like(half, 0.45 / 0.95))


@pytest.mark.parametrize("replace", [False, True])
def test_the_configuration_says_whether_there_is_an_opacity(replace: bool) -> None:
    network = build_generator(read_config("tiny-warp", [f"networks.replace={str(replace).lower()}"]))
    assert ("opacity.bias" in dict(network.named_parameters())) == replace


@pytest.mark.parametrize("replace", [False, True])
def test_opacity_and_added_colour_give_the_image(replace: bool) -> None:
    network = _randomized(WarpGenerator(17, 64, 4, 1, replace=replace)).eval()
    source, target, own = _inputs(64)
    generated = network(source, target, own)
    warped = warp(source, generated.flow)
    assert (generated.opacity.max() > 0) == replace
    expected = ((1 - generated.opacity) * warped + generated.added).clamp(0, 1)
    assert torch.allclose(generated.image, expected, atol=1e-6)


def test_generators_treat_each_portrait_independently() -> None:
    network = _randomized(WarpGenerator(17, 64, 4, 1)).eval()
    source, target, own = _inputs(64)
    alone = network(source[:1], target[:1], own[:1]).image
    assert torch.allclose(network(source, target, own).image[:1], alone, atol=1e-4)


def test_a_flow_of_one_pixel_moves_by_one_pixel() -> None:
    image = torch.rand(1, 3, 16, 16)
    right = torch.zeros(1, 2, 16, 16)
    right[:, 0] = 1 / 16  # each pixel comes from its right neighbour
    assert torch.allclose(warp(image, right)[..., :-1], image[..., 1:], atol=1e-5)
    down = torch.zeros(1, 2, 16, 16)
    down[:, 1] = 1 / 16
    assert torch.allclose(warp(image, down)[..., :-1, :], image[..., 1:, :], atol=1e-5)


@pytest.mark.parametrize("side", [64, 128])
@pytest.mark.parametrize("patch", [1, 2])
def test_the_discriminator_returns_patch_logits_and_depends_on_aus(side: int, patch: int) -> None:
    critic = Discriminator(17, side, 4, patch, spectral=True)
    images, aus, other = _inputs(side)
    judged = critic(images)
    assert judged.patches.shape == (2, 1, 8, 8)
    match = critic.match(judged.face, aus)
    assert match.shape == (2,)
    assert not torch.equal(match, critic.match(judged.face, other))


def test_a_frozen_discriminator_passes_gradients_without_keeping_its_own() -> None:
    critic, images = Discriminator(17, 64, 4), torch.rand(2, 3, 64, 64, requires_grad=True)
    set_trainable(critic, False)
    critic(images).patches.sum().backward()
    assert images.grad is not None
    assert all(weight.grad is None for weight in critic.parameters())
    set_trainable(critic, True)
    assert all(weight.requires_grad for weight in critic.parameters())


@pytest.mark.parametrize("side", [64, 128])
def test_estimator_and_classifier_support_every_resolution(side: int) -> None:
    images, window = torch.rand(3, 3, side, side), (0, 0, side)
    assert AUEstimator(46, side, 4, window)(images).shape == (3, 46)
    people = IdentityClassifier(11, side, 4, window, 8)
    embeddings = people(images)
    assert torch.allclose(embeddings.norm(dim=1), torch.ones(3), atol=1e-5)
    cosines = people.cosines(embeddings)
    assert cosines.shape == (3, 11)
    assert cosines.abs().max() <= 1 + 1e-5


def test_the_estimator_depends_on_its_window_only() -> None:
    estimator = AUEstimator(17, 64, 4, (16, 8, 48)).eval()
    images = torch.rand(2, 3, 64, 64)
    around = images.clone()
    around[..., :16, :] = 0
    around[..., :8] = 0
    around[..., 56:] = 0
    assert torch.equal(estimator(images), estimator(around))
    around[..., 40, 30] += 0.5
    assert not torch.equal(estimator(images), estimator(around))


def test_short_flows_are_removed_in_evaluation_mode_only() -> None:
    """Background that G moves by less than the limit stays as it is; longer flows become shorter by the limit."""
    network = WarpGenerator(17, 64, 4, 1, least_flow=0.5)
    with torch.no_grad():
        network.mask.bias.fill_(-30)  # type: ignore[union-attr, operator]
        network.flow.bias[0] = 0.4 / 64 / network.max_flow  # 0.4 pixels to the right
    source, aus = torch.rand(1, 3, 64, 64), torch.zeros(1, 17)
    assert not torch.allclose(network.train()(source, aus, aus).image, source, atol=1e-3)
    assert torch.allclose(network.eval()(source, aus, aus).image, source, atol=1e-5)
    with torch.no_grad():
        network.flow.bias[0] = 2.5 / 64 / network.max_flow
    long = network(source, aus, aus).flow[:, 0] * 64
    trained = network.train()(source, aus, aus).flow[:, 0] * 64
    assert torch.allclose(long, trained - 0.5, atol=1e-4)
