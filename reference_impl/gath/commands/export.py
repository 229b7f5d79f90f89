"""``gath-bench export``."""

from __future__ import annotations

from pathlib import Path

import click

from gath_bench.contracts import CommandContext
from gath_bench.errors import UsageError


@click.command()
@click.argument("model", default="gath")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    metavar="FILE.onnx",
    help="The file to write.",
)
@click.pass_obj
def export(context: CommandContext, model: str, output: Path) -> None:
    """Write a trained generator as an ONNX file.

    MODEL is gath (the default) or gath-warp, with the included weights or your own. The model `onnx` runs the file.
    It needs onnx: pip install 'gath-bench[onnx]'.

    \b
    Examples:
      gath-bench export gath-warp -o gath-warp.onnx
      gath-bench export 'gath[weights=mine.safetensors]' -o mine.onnx
      gath-bench run -m 'onnx[path=mine.onnx]'
    """
    from gath.inference.export import export_onnx
    from gath.inference.model import Gath
    from gath_bench.errors import Unavailable

    component = context.make("model", model)
    if not isinstance(component, Gath):
        raise UsageError(f"{model} cannot be exported: choose gath or gath-warp.")
    if not output.parent.is_dir():
        raise UsageError(f"there is no folder {output.parent}: create it first.")
    try:
        export_onnx(component.trained, output)
    except Unavailable as error:
        raise UsageError(str(error)) from error
    click.echo(str(output))
