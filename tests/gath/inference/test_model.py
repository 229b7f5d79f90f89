"""The trained generator as a model of the benchmark."""

from __future__ import annotations

import json
from pathlib import Path

import gath
import pytest
import torch
from gath.inference import model as inference_model
from gath.inference.model import DirectModel, WarpModel, packaged, read_weights

from gath_bench.contracts import AnimationModel, HasEdit, HasSourceAUs, file_hash
from gath_bench.errors import Unavailable, UsageError
from gath_bench.faces import SYNTHFACES, apply_to_crop

PORTRAITS, AUS = torch.rand(5, 3, 64, 64), torch.rand(5, 17)


@pytest.fixture
def weights(trained: Path) -> Path:
    return trained / "gath-warp.safetensors"


def test_trained_weights_can_be_used_as_a_model(weights: Path) -> None:
    model = WarpModel(weights=weights)
    assert isinstance(model, AnimationModel)
    assert (model.info.au_space, model.info.resolution) == ("openface17", 64)
    assert len(model.info.trained_against) == 2
    images = model.to("cpu").animate(PORTRAITS, AUS)
    assert images.shape == PORTRAITS.shape
    assert images.dtype == torch.float32
    alone = model.animate(PORTRAITS[2:3], AUS[2:3])
    assert torch.allclose(images[2:3], alone, atol=1e-5)


def test_the_edit_of_gath_warp_gives_the_images_of_animate(weights: Path) -> None:
    """Flow, opacity and added colour, applied at the model's resolution, are the model's own image."""
    model = WarpModel(weights=weights).to("cpu")
    assert isinstance(model, HasEdit)
    edited = apply_to_crop(PORTRAITS, model.edit(PORTRAITS, AUS))
    assert torch.allclose(edited, model.animate(PORTRAITS, AUS), atol=1e-5)
    assert not isinstance(DirectModel(), HasEdit)


def test_models_estimate_the_own_aus_of_portraits_and_state_their_framing(weights: Path) -> None:
    model = WarpModel(weights=weights).to("cpu")
    assert isinstance(model, HasSourceAUs)
    own = model.source_aus(PORTRAITS)
    assert own.shape == AUS.shape
    assert 0 <= float(own.min()) <= float(own.max()) <= 1
    assert model.info.template == SYNTHFACES


def test_the_fingerprint_depends_on_the_weights(weights: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    other.write_bytes(data)
    assert WarpModel(weights=weights).info.fingerprint == WarpModel(weights=weights).info.fingerprint
    assert WarpModel(weights=weights).info.fingerprint != WarpModel(weights=other).info.fingerprint


def test_half_precision_generates_nearly_the_same_images(weights: Path) -> None:
    full = WarpModel(weights=weights).to("cpu").animate(PORTRAITS, AUS)
    half = WarpModel(weights=weights, precision="bf16")
    assert half.info.precision == "bf16"
    assert (half.to("cpu").animate(PORTRAITS, AUS) - full).abs().mean() < 1 / 255


def test_missing_weights_are_unavailable_and_the_reason_names_the_training_command(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(inference_model, "files", lambda _: tmp_path)
    model = DirectModel()
    assert model.info.fingerprint == ""
    with pytest.raises(Unavailable, match="holds no weights of gath; train them with `gath-bench train"):
        model.to("cpu")


def test_damaged_weights_are_unavailable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, weights: Path
) -> None:
    folder = tmp_path / "weights"
    folder.mkdir()
    place = folder / "gath-warp.safetensors"
    place.write_bytes(weights.read_bytes())
    (folder / "weights.json").write_text(json.dumps({place.name: file_hash(place)}))
    monkeypatch.setattr(inference_model, "files", lambda _: tmp_path)
    assert packaged("gath-warp") == place
    assert WarpModel().to("cpu").animate(PORTRAITS, AUS).shape == PORTRAITS.shape
    place.write_bytes(place.read_bytes()[:-1] + b"\0")
    model = WarpModel()
    with pytest.raises(Unavailable, match=r"is damaged \(SHA-256 .*: install gath-bench again"):
        model.to("cpu")


def test_packaged_weights_keep_the_keys_of_the_committed_run() -> None:
    """The fingerprint of a weights file must not depend on settings that were added to the configuration later."""
    run = Path(__file__).parents[3] / "results" / "reference" / "quick" / "manifest.json"
    cells = json.loads(run.read_text())["cells"]
    committed = {cell["model"]: cell["model_key"].rpartition("#")[2] for cell in cells}
    for model in (DirectModel(), WarpModel()):
        assert model.info.fingerprint[:8] == committed[model.name]


def test_packaged_weights_match_their_index() -> None:
    """Every packaged file has the listed hash and at most 16 MB, and can be loaded."""
    folder = Path(gath.__file__).parent / "weights"
    listed = json.loads((folder / "weights.json").read_text()) if (folder / "weights.json").exists() else {}
    assert {path.name for path in folder.glob("*.safetensors")} == set(listed)
    for name, wanted in listed.items():
        assert file_hash(folder / name) == wanted
        assert (folder / name).stat().st_size <= 16e6
        read_weights(folder / name)


@pytest.mark.parametrize("content", [b"", b"not safetensors at all"])
def test_a_file_without_weights_is_refused_in_a_sentence(tmp_path: Path, content: bytes) -> None:
    place = tmp_path / "x.safetensors"
    with pytest.raises(UsageError, match="there is no weights file"):
        WarpModel(weights=place)
    place.write_bytes(content)
    with pytest.raises(UsageError, match="damaged or of another kind"):
        WarpModel(weights=place)


def test_the_weights_file_of_a_teacher_is_refused(trained: Path) -> None:
    with pytest.raises(UsageError, match="does not hold a generator"):
        WarpModel(weights=trained / "estimator.safetensors")
