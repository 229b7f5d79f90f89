"""Registers the models and commands of the reference implementation."""

from __future__ import annotations

from gath_bench import hookimpl
from gath_bench.contracts import CommandSpec, ModelSpec


@hookimpl
def gath_bench_models() -> list[ModelSpec]:
    """Two models, and one for ONNX graphs; their code is imported on first use."""
    return [
        ModelSpec(
            "gath",
            "gath.inference.model:DirectModel",
            "GATH: direct synthesis of every pixel, as in the paper",
        ),
        ModelSpec(
            "gath-warp",
            "gath.inference.model:WarpModel",
            "our extension of GATH: flow, occlusion mask and colour residual",
        ),
        ModelSpec(
            "onnx",
            "gath.inference.onnx_model:OnnxModel",
            "any generator in an ONNX file: portraits and AUs in, portraits out",
            requires=("onnxruntime",),
            extra="onnx",
        ),
    ]


@hookimpl
def gath_bench_commands() -> list[CommandSpec]:
    """The commands; their code is imported on first use."""
    return [
        CommandSpec("train", "gath.commands.train:train", "Train GATH or gath-warp."),
        CommandSpec("export", "gath.commands.export:export", "Write a trained generator as an ONNX file."),
    ]
