"""ONNX export, and any ONNX generator as a model."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from gath.inference.model import WarpModel, read_weights

from gath_bench.errors import UsageError

pytest.importorskip("onnxruntime")
from gath.inference.onnx_model import OnnxModel


@pytest.fixture(scope="module")
def exported(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxscript")
    from gath.inference.export import export_onnx

    place = tmp_path_factory.mktemp("onnx") / "g.onnx"
    export_onnx(read_weights(trained / "gath-warp.safetensors"), place)
    return place


def test_an_export_generates_the_images_of_torch_at_any_batch_size(exported: Path, trained: Path) -> None:
    ours = WarpModel(weights=trained / "gath-warp.safetensors").to("cpu")
    theirs = OnnxModel(path=exported).to("cpu")
    assert theirs.info.au_space == "openface17"
    assert theirs.info.resolution == 64
    assert theirs.info.trained_against == ours.info.trained_against
    for count in (1, 3):
        portraits, aus = torch.rand(count, 3, 64, 64), torch.rand(count, 17)
        difference = (ours.animate(portraits, aus) - theirs.animate(portraits, aus)).abs().max()
        assert difference < 1e-4


def test_a_graph_without_metadata_needs_parameters(tmp_path: Path) -> None:
    """A graph of another project: images in [-1, 1] and no metadata; here it is the identity."""
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper

    images = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, "h", "w"])
    aus = helper.make_tensor_value_info("c", TensorProto.FLOAT, ["n", 17])
    out = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 3, "h", "w"])
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "g", [images, aus], [out])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    place = tmp_path / "foreign.onnx"
    onnx.save(model, place)
    with pytest.raises(UsageError, match="give it as"):
        OnnxModel(path=place)
    with pytest.raises(UsageError, match="takes 17 AU coefficients, but facewarehouse46 has 46"):
        OnnxModel(path=place, au_space="facewarehouse46")
    made = OnnxModel(path=place, au_space="openface17", resolution=32, signed=True)
    assert made.info.resolution == 32
    portraits = torch.rand(2, 3, 32, 32)
    assert torch.allclose(made.animate(portraits, torch.rand(2, 17)), portraits, atol=1e-6)


def test_a_missing_or_invalid_file_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no file"):
        OnnxModel(path=tmp_path / "none.onnx")
    (tmp_path / "bad.onnx").write_bytes(b"not a graph")
    with pytest.raises(UsageError, match="is not an ONNX graph"):
        OnnxModel(path=tmp_path / "bad.onnx")
