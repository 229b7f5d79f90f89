"""Training of all evaluators, end to end on toy data."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from estimators.conftest import ToyContext
from gath_estimators import train_all, training
from gath_estimators.bundled import SynthFacesAUs, SynthFacesIdentity, SynthFacesTrunk
from gath_estimators.train_all import Options
from safetensors.torch import load_file

from gath_bench.contracts import NO_WEIGHTS, file_hash
from gath_bench.errors import Unavailable, UsageError

SMALL = Options("toy", images=256, au_steps=2, steps=2, seed=0)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("evaluators")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train_all, "HELD_OUT", 256)
        train_all.train_all(ToyContext(), folder, SMALL, lambda _: None)  # type: ignore[arg-type]
    return folder


def test_training_writes_weights_index_and_card(trained: Path) -> None:
    index = json.loads((trained / "weights.json").read_text())
    assert sorted(index) == sorted(cls.file for cls in (SynthFacesAUs, SynthFacesIdentity, SynthFacesTrunk))
    card = (trained / "card.md").read_text()
    assert "--images 256" in card
    assert "| AU45 |" in card
    assert set(index[SynthFacesIdentity.file]["calibration"]) == {"impostor_mean", "threshold"}


def test_trained_evaluators_return_the_features_of_their_roles(trained: Path) -> None:
    images = torch.rand(3, 3, 96, 96, generator=torch.Generator().manual_seed(0))
    aus = SynthFacesAUs(folder=trained)(images).values
    assert isinstance(aus, torch.Tensor)
    assert aus.shape == (3, 17)
    assert 0 <= float(aus.min()) <= float(aus.max()) <= 1
    embeddings = SynthFacesIdentity(folder=trained)(images).values
    assert isinstance(embeddings, torch.Tensor)
    assert embeddings.shape == (3, 128)
    maps = SynthFacesTrunk(folder=trained)(images).values
    assert [tuple(m.shape[2:]) for m in maps] == [(32, 32), (16, 16), (8, 8), (4, 4)]


def test_values_do_not_depend_on_the_batch(trained: Path) -> None:
    estimator = SynthFacesAUs(folder=trained)
    images = torch.rand(5, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    whole, alone = estimator(images).values, estimator(images[2:3]).values
    assert isinstance(whole, torch.Tensor)
    assert isinstance(alone, torch.Tensor)
    assert torch.allclose(whole[2:3], alone, atol=1e-5)


def test_a_second_call_resumes_and_changes_nothing(trained: Path) -> None:
    before = (trained / "weights.json").read_bytes()
    lines: list[str] = []
    train_all.train_all(ToyContext(), trained, SMALL, lines.append)  # type: ignore[arg-type]
    assert lines == []
    assert (trained / "weights.json").read_bytes() == before


def test_other_options_need_another_folder(trained: Path) -> None:
    with pytest.raises(UsageError, match="name another folder"):
        train_all.train_all(ToyContext(), trained, Options("toy", seed=1), print)  # type: ignore[arg-type]


def test_missing_weights_are_reported(tmp_path: Path) -> None:
    estimator = SynthFacesAUs(folder=tmp_path)
    assert estimator.info.fingerprint == NO_WEIGHTS
    with pytest.raises(Unavailable, match="are missing: reinstall"):
        estimator(torch.zeros(1, 3, 64, 64))


def test_damaged_weights_are_reported(trained: Path, tmp_path: Path) -> None:
    for name in ("weights.json", SynthFacesIdentity.file):
        (tmp_path / name).write_bytes((trained / name).read_bytes())
    whole = (tmp_path / SynthFacesIdentity.file).read_bytes()
    (tmp_path / SynthFacesIdentity.file).write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(Unavailable, match="damaged"):
        SynthFacesIdentity(folder=tmp_path)(torch.zeros(1, 3, 64, 64))


def test_trained_evaluators_can_be_refined(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Training continues from the AU networks; identity encoder and trunk are copied exactly."""
    monkeypatch.setattr(train_all, "HELD_OUT", 256)
    monkeypatch.setattr(training, "REFINE_LEARNING_RATE", 1e-12)
    options = replace(SMALL, seed=1, refine=str(trained))
    train_all.train_all(ToyContext(), tmp_path, options, lambda _: None)  # type: ignore[arg-type]
    for kind in (SynthFacesIdentity, SynthFacesTrunk):
        assert (tmp_path / kind.file).read_bytes() == (trained / kind.file).read_bytes()
    old, new = (load_file(folder / SynthFacesAUs.file) for folder in (trained, tmp_path))
    # At a learning rate near 0 only BatchNorm's running statistics change.
    assert all(
        torch.equal(old[name], new[name]) for name in old if "running" not in name and "num_" not in name
    )
    assert any(not torch.equal(old[name], new[name]) for name in old if "running" in name)
    card = (tmp_path / "card.md").read_text()
    assert "--refine" in card
    assert file_hash(trained / SynthFacesAUs.file)[:16] in card


def test_missing_evaluators_cannot_be_refined(tmp_path: Path) -> None:
    options = replace(SMALL, refine=str(tmp_path / "none"))
    with pytest.raises(UsageError, match="cannot be refined"):
        train_all.train_all(ToyContext(), tmp_path, options, print)  # type: ignore[arg-type]
