"""Each loss against its equation."""

from __future__ import annotations

import pytest
import torch
from gath.training import losses


def test_hinge_is_zero_beyond_its_margin_and_linear_before() -> None:
    assert losses.hinge_real(torch.tensor([1.0, 5.0])) == 0
    assert losses.hinge_fake(torch.tensor([-1.0, -5.0])) == 0
    assert losses.hinge_real(torch.tensor([-1.0, 0.0])) == pytest.approx(1.5)
    assert losses.hinge_fake(torch.tensor([1.0, 0.0])) == pytest.approx(1.5)


def test_one_large_patch_logit_does_not_dominate() -> None:
    """The hinge comes before the mean: averaged first, these logits would cost nothing."""
    patches = torch.tensor([[30.0, -1, -1, -1]])
    assert losses.hinge_real(patches) > 1
    assert losses.hinge_real(patches.mean(1)) == 0


def test_r1_of_a_linear_discriminator_is_its_squared_weight() -> None:
    weight, images = torch.randn(3, 8, 8), torch.rand(4, 3, 8, 8, requires_grad=True)
    logits = (images * weight).sum((1, 2, 3))
    assert losses.r1(logits, images).item() == pytest.approx(weight.square().sum().item(), rel=1e-5)
    # Any number of equal patches counts as one logit.
    patches = logits[:, None, None, None].expand(-1, 1, 5, 5)
    assert losses.r1(patches, images).item() == pytest.approx(weight.square().sum().item(), rel=1e-4)


def test_identity_distance_is_one_minus_cosine() -> None:
    a = torch.nn.functional.normalize(torch.randn(6, 16), dim=1)
    assert losses.identity_distance(a, a).item() == pytest.approx(0, abs=1e-6)
    assert losses.identity_distance(a, -a).item() == pytest.approx(2, abs=1e-6)
    b = torch.nn.functional.normalize(torch.randn(6, 16), dim=1)
    reference = 1 - torch.nn.functional.cosine_similarity(a, b).mean()
    assert losses.identity_distance(a, b).item() == pytest.approx(reference.item(), abs=1e-6)


def test_classification_without_margin_is_cross_entropy() -> None:
    cosines, identity = torch.rand(5, 7) * 2 - 1, torch.randint(7, (5,))
    plain = torch.nn.functional.cross_entropy(10 * cosines, identity)
    assert losses.classification(cosines, identity, 10, 0.0).item() == pytest.approx(plain.item(), rel=1e-6)
    assert losses.classification(cosines, identity, 10, 0.3) > plain


def test_au_error_without_emphasis_is_the_plain_mean() -> None:
    found, target, source = torch.rand(3, 4, 17)
    mse = torch.nn.functional.mse_loss(found, target)
    mae = torch.nn.functional.l1_loss(found, target)
    assert losses.au_error(found, target, source, squared=True, emphasis=0).item() == pytest.approx(
        mse.item()
    )
    assert losses.au_error(found, target, source, squared=False, emphasis=0).item() == pytest.approx(
        mae.item()
    )


def test_au_error_emphasises_aus_with_a_requested_change() -> None:
    source, target = torch.zeros(1, 2), torch.tensor([[1.0, 0.0]])
    missed, leaked = torch.tensor([[0.5, 0.0]]), torch.tensor([[1.0, 0.5]])
    cost = [losses.au_error(f, target, source, squared=True, emphasis=3).item() for f in (missed, leaked)]
    assert cost[0] == pytest.approx(4 * cost[1])


def test_roughness_is_zero_for_affine_flows_and_not_for_tears() -> None:
    line = torch.linspace(-1, 1, 16)
    affine = torch.stack([0.1 * line.expand(16, 16), 0.2 * line[:, None].expand(16, 16)])[None]
    assert losses.flow_roughness(affine).item() == pytest.approx(0, abs=1e-7)
    torn = affine.clone()
    torn[..., 8:] += 0.1
    assert losses.flow_roughness(torn) > 1e-3


def test_total_variation_of_a_ramp_is_its_slope() -> None:
    ramp = (torch.arange(10) * 0.05).expand(1, 3, 10, 10)
    assert losses.total_variation(ramp).item() == pytest.approx(0.05)
    assert losses.total_variation(torch.full((1, 3, 10, 10), 0.4)) == 0


def test_reconstruction_and_magnitudes() -> None:
    a = torch.rand(2, 3, 8, 8)
    assert losses.reconstruction(a, a) == 0
    assert losses.reconstruction(a + 0.25, a).item() == pytest.approx(0.25)
    assert losses.magnitude(torch.full((1, 1, 4, 4), 0.2)).item() == pytest.approx(0.2)
    assert losses.flow_length(torch.full((1, 2, 4, 4), -0.1)).item() == pytest.approx(0.1)
    assert losses.estimation(torch.zeros(2, 3), torch.full((2, 3), 0.5)).item() == pytest.approx(0.25)
    assert losses.adversarial(torch.tensor([1.0, 3.0])) == -2


def test_the_changed_region_holds_what_the_target_changes() -> None:
    source = torch.full((1, 3, 8, 8), 0.5)
    target = source.clone()
    target[:, 1, 2:4, 2:6] += 3 / 255
    target[:, 0, 6] += 1 / 255  # below the threshold
    region = losses.changed_region(source, target)
    assert region.sum() == 8
    assert region[0, 0, 2:4, 2:6].all()


def test_region_error_is_the_mean_over_the_region() -> None:
    source, image = torch.zeros(2, 3, 4, 4), torch.zeros(2, 3, 4, 4)
    image[:, :, :2] = 0.5
    region = torch.zeros(2, 1, 4, 4)
    assert losses.region_error(image, source, region) == 0
    region[:, :, 1:3] = 1
    assert losses.region_error(image, source, region).item() == pytest.approx(0.25)


def test_edge_error_ignores_a_constant_offset() -> None:
    image = torch.rand(2, 3, 8, 8)
    assert losses.edge_error(image + 0.1, image).item() == pytest.approx(0, abs=1e-6)
    ramp = image + torch.arange(8) * 0.05
    assert losses.edge_error(ramp, image).item() == pytest.approx(0.05, abs=1e-6)


def test_feature_distance_ignores_the_length_of_features() -> None:
    maps, flat = torch.rand(2, 5, 4, 4), torch.rand(2, 6)
    assert losses.feature_distance([maps * 3, flat * 2], [maps, flat]).item() == pytest.approx(0, abs=1e-5)
    # The squared distance of opposite unit vectors is 4, and layers are added.
    assert losses.feature_distance([-maps, -flat], [maps, flat]).item() == pytest.approx(8, abs=0.05)


def test_paired_loss_depends_on_differences_and_drift_on_the_mean_only() -> None:
    higher, lower = torch.tensor([2.0, 0.5]), torch.tensor([1.0, 0.0])
    expected = torch.nn.functional.binary_cross_entropy_with_logits(higher - lower, torch.ones(2))
    assert losses.paired(higher, lower) == pytest.approx(expected.item())
    assert losses.paired(higher + 7, lower + 7) == pytest.approx(expected.item())
    assert losses.paired(lower, higher) > losses.paired(higher, lower)
    assert losses.drift(torch.tensor([3.0, -3.0])) == 0
    assert losses.drift(higher) == pytest.approx(1.25**2)
