"""Losses of the evaluators."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from gath_estimators import training
from gath_estimators.data import SIDE, Pool
from gath_estimators.training import TEMPERATURE, contrastive_loss

from gath_bench.au import get_space


def test_contrastive_loss_equals_its_definition() -> None:
    z = torch.nn.functional.normalize(torch.randn(6, 4, generator=torch.Generator().manual_seed(0)), dim=1)
    who = torch.tensor([0, 0, 1, 1, 1, 2])
    terms = []
    for i in range(6):
        others = sum(math.exp(float(z[i] @ z[k]) / TEMPERATURE) for k in range(6) if k != i)
        terms += [
            -math.log(math.exp(float(z[i] @ z[j]) / TEMPERATURE) / others)
            for j in range(6)
            if j != i and who[i] == who[j]
        ]
    assert float(contrastive_loss(3 * z, who)) == pytest.approx(sum(terms) / len(terms), rel=1e-5)


def test_aus_of_small_motion_have_larger_weights_of_mean_one() -> None:
    weights = training.emphasis("openface17")
    assert float(weights.mean()) == pytest.approx(1)
    assert int(weights.argmax()) == get_space("openface17").labels.index("AU05")


def test_a_resumed_training_equals_an_uninterrupted_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "CHECKPOINT_EVERY", 1)
    monkeypatch.setattr(training, "LOG_EVERY", 1)
    monkeypatch.setattr(training, "BATCH", 8)
    g = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (16, 3, SIDE, SIDE), generator=g, dtype=torch.uint8)
    pool = Pool(images, torch.arange(16), torch.rand(16, 17, generator=g), "openface17", "")

    def train(checkpoints: Path | None, stop: int) -> torch.nn.Module:
        def progress(name: str, step: int, steps: int, loss: float) -> None:
            if step == stop:
                raise KeyboardInterrupt

        task = training.TrainingTask(pool, 4, 0, "cpu", progress, checkpoints)
        return training.train_identity(task)

    whole = train(None, 0)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, 3)
    resumed = train(tmp_path, 0)
    for a, b in zip(whole.state_dict().values(), resumed.state_dict().values(), strict=True):
        assert torch.equal(a, b)
