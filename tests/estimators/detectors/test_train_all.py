"""The detector's training, end to end on toy data."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from faces.helpers import face_at
from gath_estimators.detectors import data, train_all, training
from gath_estimators.detectors.bundled import FILE, SynthFacesDetector
from gath_estimators.detectors.train_all import Options
from safetensors.torch import load_file

from gath_bench import UsageError
from gath_bench.contracts import LandmarkedBatch

SMALL = Options("toy", images=128, proposal_steps=2, landmark_steps=2)


class Portraits:
    """Grey noise with faces that only the landmarks know; the other members make it a data set adapter."""

    info = None
    fingerprint = "0123456789abcdef"

    def samples(self, split: str, protocol: str, seed: int) -> list[object]:
        return []

    def load(self, samples: object) -> None:
        return None

    def landmarked(self, *, batch_size: int, seed: int, start: int = 0) -> Iterator[LandmarkedBatch]:
        step = start
        while True:
            g = torch.Generator().manual_seed(7919 * seed + step)
            faces = torch.stack([face_at(80.0, 72.0, 26.0 + i % 7, 0.1).landmarks for i in range(batch_size)])
            yield LandmarkedBatch(torch.rand(batch_size, 3, data.RENDER, data.RENDER, generator=g), faces)
            step += 1


class Context:
    def make(self, kind: str, name: str) -> object:
        assert kind == "dataset"
        return Portraits() if name.startswith("toy") else object()


def train(folder: Path, options: Options = SMALL) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train_all, "HELD_OUT", 4)
        patch.setattr(train_all, "_BATCH", 4)
        patch.setattr(data, "TEXTURES", 64)
        return train_all.train_all(Context(), folder, options, lambda _: None)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("detector")
    train(folder)
    return folder


def test_it_writes_weights_index_and_card(trained: Path) -> None:
    card = (trained / "card.md").read_text()
    assert "--images 128 --proposal-steps 2 --landmark-steps 2 --seed 0" in card
    assert json.loads((trained / "weights.json").read_text())[FILE]["sha256"][:16] in card
    network = SynthFacesDetector(folder=trained).load()
    assert network.landmarks.shape.abs().sum() > 1  # the mean shape is part of the weights


def test_the_result_depends_on_the_options_alone(trained: Path, tmp_path: Path) -> None:
    """A second training gives the same weights, also when it resumes after the first network."""
    (tmp_path / "work").mkdir()
    for name in ("options.json", "pool.pt", "proposals.pt"):
        (tmp_path / "work" / name).write_bytes((trained / "work" / name).read_bytes())
    torch.manual_seed(1234)
    state = torch.get_rng_state()
    train(tmp_path)
    assert torch.equal(torch.get_rng_state(), state)
    first, second = load_file(trained / FILE), load_file(tmp_path / FILE)
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_other_options_and_other_data_sets_are_refused(trained: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="other options"):
        train(trained, replace(SMALL, seed=1))
    with pytest.raises(UsageError, match="no stream for face detectors"):
        train(tmp_path, replace(SMALL, dataset="other"))


def test_losses_are_zero_for_perfect_answers() -> None:
    target = torch.zeros(1, 4, 4)
    target[0, 1, 2] = 1
    boxes = torch.randn(1, 5, 4, 4)
    logits = torch.where(target > 0, 30.0, -30.0)[:, None]
    perfect = training.proposal_loss(torch.cat([logits, boxes], 1), target, torch.ones_like(target), boxes)
    assert float(perfect) < 1e-6
    wrong = training.proposal_loss(torch.cat([-logits, boxes], 1), target, torch.ones_like(target), boxes)
    assert float(wrong) > 1
    points = torch.randn(3, 68, 2)
    face = torch.tensor([True, True, False])
    sure = torch.tensor([30.0, 30.0, -30.0])
    other = points.clone()
    other[2] += 5  # landmarks of a crop without a face do not count
    assert float(training.landmark_loss(other, sure, points, torch.ones(3), face)) < 1e-6
    assert float(training.landmark_loss(points + 0.1, sure, points, torch.ones(3), face)) == pytest.approx(
        0.1 * 2**0.5, rel=1e-3
    )
