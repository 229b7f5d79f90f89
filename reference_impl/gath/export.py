"""A trained generator as an ONNX file: portrait and target AUs in, painted portrait out, any batch size."""

from __future__ import annotations

import contextlib
import io
import json
import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

from gath.animation import Trained
from gath_bench.errors import UsageError

#: The first operator set with grid_sample in every axis order that torch writes.
OPSET = 18
#: Names of the graph's inputs and output.
INPUTS, OUTPUT = ("portraits", "target_aus"), "images"


class _Whole(nn.Module):
    """E and G as one graph."""

    def __init__(self, trained: Trained) -> None:
        super().__init__()
        self.generator, self.estimator = trained.generator, trained.estimator

    def forward(self, portraits: Tensor, target_aus: Tensor) -> Tensor:
        own = self.estimator(portraits).clamp(0, 1)
        image: Tensor = self.generator(portraits, target_aus, own).image
        return image.clamp(0, 1)


def export_onnx(trained: Trained, path: Path) -> None:
    """Write G and its E as one float32 graph.

    Inputs ``portraits`` (B, 3, R, R) in [0, 1] and ``target_aus`` (B, K); output ``images`` (B, 3, R, R) in [0, 1].
    AU space, resolution and teachers stand in the file's metadata, where the model ``onnx`` finds them.

    Raises:
        UsageError: the packages for it are missing.
    """
    try:
        import onnx
        import onnxscript  # noqa: F401 (torch's exporter needs it, and says so late)
    except ImportError as error:
        raise UsageError(
            f"the export needs the package {error.name!r}: pip install 'gath-bench[onnx]'."
        ) from error
    whole = _Whole(trained).float().cpu().eval()
    config = trained.config
    portraits = torch.rand(2, 3, config.resolution, config.resolution)
    aus = torch.rand(2, config.aus)
    batch = torch.export.Dim("batch")
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            whole, (portraits, aus), input_names=list(INPUTS), output_names=[OUTPUT], opset_version=OPSET,
            dynamic_shapes=({0: batch}, {0: batch}), dynamo=True, verbose=False,
        )  # fmt: skip
    assert program is not None
    model = program.model_proto
    about = {
        "au_space": config.au_space, "resolution": config.resolution, "model": config.model,
        "trained_against": trained.trained_against, "weights": trained.hash,
    }  # fmt: skip
    entry = model.metadata_props.add()
    entry.key, entry.value = "gath", json.dumps(about)
    partial = path.with_name(f".{path.name}.tmp")
    try:
        onnx.save(model, partial)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
