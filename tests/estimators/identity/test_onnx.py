"""Identity encoders in ONNX files: input format, template, and what is said about a bad file."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from gath_estimators.identity import onnx as module
from gath_estimators.identity.onnx import ArcFace, CustomEncoder, MobileFaceNet, SFace

from gath_bench import Unavailable, UsageError
from gath_bench.contracts import NO_WEIGHTS, IdentityEncoder
from gath_bench.faces import ARCFACE_112
from gath_bench.weights import find_weights


def write_mean_network(path: Path, size: int) -> Path:
    """An ONNX network whose output is the mean of each channel."""
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        [
            helper.make_node("GlobalAveragePool", ["image"], ["pooled"]),
            helper.make_node("Flatten", ["pooled"], ["embedding"]),
        ],
        "mean",
        [helper.make_tensor_value_info("image", kind, [1, 3, size, size])],
        [helper.make_tensor_value_info("embedding", kind, [1, 3])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, str(path))
    return path


@pytest.mark.parametrize(
    ("colours", "normalisation", "expected"),
    [
        ("rgb", "unit", [0.2, 0.4, 0.8]),
        ("bgr", "unit", [0.8, 0.4, 0.2]),
        ("rgb", "bytes", [51.0, 102.0, 204.0]),
        ("rgb", "symmetric", [-0.6, -0.2, 0.6]),
        ("bgr", "imagenet", [(0.8 - 0.406) / 0.225, (0.4 - 0.456) / 0.224, (0.2 - 0.485) / 0.229]),
    ],
)
def test_the_network_gets_the_declared_input(
    tmp_path: Path, colours: module.Colours, normalisation: module.Normalisation, expected: list[float]
) -> None:
    path = write_mean_network(tmp_path / "mean.onnx", 8)
    encoder = CustomEncoder(weights=path, size=8, colours=colours, normalisation=normalisation)
    assert isinstance(encoder, IdentityEncoder)
    images = torch.tensor([0.2, 0.4, 0.8]).view(1, 3, 1, 1).expand(2, 3, 16, 16).clone()
    images[1] = 0.5
    values = encoder.to("cpu")(images).values
    assert isinstance(values, torch.Tensor)
    torch.testing.assert_close(values[0], torch.tensor(expected), rtol=1e-5, atol=1e-5)
    alone = encoder(images[:1]).values
    assert isinstance(alone, torch.Tensor)
    assert torch.equal(alone[0], values[0])


def test_the_template_is_scaled_to_the_size_of_the_input(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(b"w")
    template = CustomEncoder(weights=path, size=224).info.template
    assert template is not None
    assert (template.name, template.size) == ("arcface", 224)
    assert dict(template.points) == ARCFACE_112.at(224)
    assert CustomEncoder(weights=path).info.template == ARCFACE_112
    with pytest.raises(UsageError, match="did you mean arcface"):
        CustomEncoder(weights=path, template="arcfase")


def test_the_fingerprint_covers_file_external_data_and_format(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(b"w")
    before = CustomEncoder(weights=path).info.fingerprint
    assert CustomEncoder(weights=path, colours="bgr").info.fingerprint != before
    assert ArcFace(weights=path).info.fingerprint == before  # the same file in the same format
    assert SFace(weights=path).info.fingerprint != before
    (tmp_path / "net.onnx.data").write_bytes(b"d")
    assert CustomEncoder(weights=path).info.fingerprint != before


def test_bad_files_are_one_sentence(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    with pytest.raises(UsageError, match="there is no weights file"):
        CustomEncoder(weights=tmp_path / "nothing.onnx")
    path = tmp_path / "net.onnx"
    path.write_bytes(b"not a network")
    with pytest.raises(Unavailable, match=r"net\.onnx cannot be loaded"):
        CustomEncoder(weights=path)(torch.rand(1, 3, 8, 8))
    mean = write_mean_network(tmp_path / "mean.onnx", 8)
    with pytest.raises(Unavailable, match="does not take this input"):
        CustomEncoder(weights=mean, size=16)(torch.rand(1, 3, 8, 8))


@pytest.mark.parametrize("preset", [ArcFace, SFace, MobileFaceNet])
def test_a_preset_without_its_file_names_the_command(
    preset: type[module.PresetEncoder], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GATH_BENCH_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert preset().info.fingerprint == NO_WEIGHTS
    assert preset().info.template == ARCFACE_112
    with pytest.raises(Unavailable, match=f"gath-bench weights (get|add) {preset.known.name}"):
        preset()(torch.rand(1, 3, 112, 112))


def test_mobilefacenet_tells_images_apart() -> None:
    pytest.importorskip("onnxruntime")
    if find_weights(module.MOBILEFACENET) is None:
        pytest.skip("MobileFaceNet.onnx is not installed: gath-bench weights add mobilefacenet FILE")
    from skimage import data

    image = torch.from_numpy(data.astronaut()[:200, 120:320].copy()).permute(2, 0, 1)[None].float() / 255
    values = MobileFaceNet()(torch.cat([image, (image + 0.01).clamp(0, 1), image.flip(2)])).values
    assert isinstance(values, torch.Tensor)
    assert values.shape == (3, 128)
    cosines = torch.cosine_similarity(values[:1], values[1:])
    assert cosines[0] > 0.95
    assert cosines[1] < 0.8
