"""The quality measures of the card, compared with independent references."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from gath_estimators.quality import PERTURBATIONS, au_quality, verification
from scipy import stats

from gath_bench.analysis import REDUCERS


def test_au_quality_equals_scipy_and_the_reducers() -> None:
    rng = np.random.default_rng(0)
    truth = rng.random((50, 3))
    measured = truth * [0.5, 1, 0.9] + rng.normal(0, 0.2, (50, 3))
    found = au_quality(measured, truth)
    for k in range(3):
        assert found.pcc[k] == pytest.approx(stats.pearsonr(measured[:, k], truth[:, k]).statistic, abs=1e-12)
        assert found.icc[k] == pytest.approx(REDUCERS["icc31"](measured[:, k], truth[:, k]), abs=1e-9)
        assert found.mae[k] == pytest.approx(np.abs(measured - truth)[:, k].mean())


def test_auc_equals_the_rank_statistic() -> None:
    g = torch.Generator().manual_seed(0)
    identity = torch.arange(12).repeat_interleave(3)
    embeddings = torch.randn(12, 8, generator=g)[identity] + torch.randn(36, 8, generator=g)
    found = verification(embeddings, identity)
    unit = torch.nn.functional.normalize(embeddings.double(), dim=1)
    i, j = torch.triu_indices(36, 36, 1)
    cosines, same = (unit[i] * unit[j]).sum(1).numpy(), (identity[i] == identity[j]).numpy()
    u = stats.mannwhitneyu(cosines[same], cosines[~same]).statistic
    assert found.auc == pytest.approx(u / same.sum() / (~same).sum(), abs=1e-9)
    assert found.impostor_mean == pytest.approx(cosines[~same].mean())
    assert (cosines[~same] >= found.threshold).mean() <= 2e-3
    assert found.accepted == pytest.approx((cosines[same] >= found.threshold).mean())
    # At the equal error rate, false accepts and false rejects are equally frequent.
    cut = np.quantile(cosines[~same], 1 - found.eer)
    assert (cosines[same] < cut).mean() == pytest.approx(found.eer, abs=0.05)


def test_a_perfect_encoder_has_auc_1_and_eer_0() -> None:
    identity = torch.arange(4).repeat_interleave(2)
    found = verification(torch.eye(4)[identity] + 1e-3, identity)
    assert (found.auc, found.eer, found.accepted) == (1, 0, 1)


@pytest.mark.parametrize("name", PERTURBATIONS)
def test_perturbations_keep_shape_and_range(name: str) -> None:
    images = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    perturbed = PERTURBATIONS[name](images)
    assert perturbed.shape == images.shape
    assert 0 <= float(perturbed.min()) <= float(perturbed.max()) <= 1
    assert (name == "unmodified") == bool((perturbed == images).all())
