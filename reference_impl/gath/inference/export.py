"""Export of a trained generator as an ONNX graph: portraits and target AUs in, images out, any batch size."""

from __future__ import annotations

import contextlib
import io
import json
import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

from gath.inference.model import Trained
from gath_bench.errors import UsageError
from gath_bench.files import atomic_write

#: The first operator set with all variants of grid_sample that torch exports.
OPSET = 18
#: Names of the graph's inputs and output.
INPUTS, OUTPUT = ("portraits", "target_aus"), "images"


class _Graph(nn.Module):
    """E and G as one graph."""

    def __init__(self, trained: Trained) -> None:
        super().__init__()
        self.generator, self.estimator = trained.generator, trained.estimator

    def forward(self, portraits: Tensor, target_aus: Tensor) -> Tensor:
        own = self.estimator(portraits).clamp(0, 1)
        image: Tensor = self.generator(portraits, target_aus, own).image
        return image.clamp(0, 1)


def export_onnx(trained: Trained, path: Path) -> None:
    """Write G and its E as one float32 graph, atomically.

    Inputs ``portraits`` (B, 3, R, R) in [0, 1] and ``target_aus`` (B, K); output ``images`` (B, 3, R, R) in [0, 1].
    The metadata hold the AU space, the resolution and the keys of E and C; the model ``onnx`` reads them.

    Raises:
        UsageError: a package for the export is not installed.
    """
    try:
        import onnx
        import onnxscript  # noqa: F401 (needed by torch's exporter)
    except ImportError as error:
        raise UsageError(
            f"the export needs the package {error.name!r}: run pip install 'gath-bench[onnx]'."
        ) from error
    graph = _Graph(trained).float().cpu().eval()
    config = trained.config
    portraits = torch.rand(2, 3, config.resolution, config.resolution)
    aus = torch.rand(2, config.aus)
    batch = torch.export.Dim("batch")
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            graph,
            (portraits, aus),
            input_names=list(INPUTS),
            output_names=[OUTPUT],
            opset_version=OPSET,
            dynamic_shapes=({0: batch}, {0: batch}),
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    model = program.model_proto
    about = {
        "au_space": config.au_space,
        "resolution": config.resolution,
        "model": config.model,
        "trained_against": trained.trained_against,
        "weights": trained.hash,
    }
    entry = model.metadata_props.add()
    entry.key, entry.value = "gath", json.dumps(about)
    with atomic_write(path) as file:
        onnx.save(model, file)
