"""Registers the reference implementation: two models, one for exported generators, and the commands."""

from __future__ import annotations

from gath_bench import hookimpl
from gath_bench.contracts import CommandSpec, ModelSpec


@hookimpl
def gath_bench_models() -> list[ModelSpec]:
    """The models; their code is imported when one is used."""
    return [
        ModelSpec(
            "gath", "gath.animation:DirectModel", "GATH: every pixel painted directly, as in the paper"
        ),
        ModelSpec(
            "gath-warp",
            "gath.animation:WarpModel",
            "our extension of GATH: flow, occlusion mask and colour residual",
        ),
        ModelSpec(
            "onnx",
            "gath.onnx_model:OnnxModel",
            "any generator in an ONNX file: portraits and AUs in, portraits out",
            requires=("onnxruntime",),
            extra="onnx",
        ),
    ]


@hookimpl
def gath_bench_commands() -> list[CommandSpec]:
    """The commands; their code is imported when one is called."""
    return [
        CommandSpec("train", "gath.commands.train:train", "Train GATH on unpaired stills and frames."),
        CommandSpec(
            "animate", "gath.commands.animate:animate", "Paint portraits with the AUs that are asked for."
        ),
        CommandSpec("export", "gath.commands.export:export", "Write a trained generator as an ONNX file."),
    ]
