"""``gath-bench demo``."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import click

from gath_bench.cli.context import Context, pass_context
from gath_bench.cli.help import device_option


@click.command()
@click.option(
    "-m",
    "--model",
    "models",
    multiple=True,
    metavar="MODEL",
    help="A model to choose from; may be repeated. By default every installed model that takes a portrait and AUs.",
)
@click.option(
    "--size",
    type=click.IntRange(min=16),
    metavar="N",
    help="First reduce the longer side of a larger photo to N pixels.",
)
@click.option(
    "--detector",
    default="synthfaces",
    show_default=True,
    metavar="NAME",
    help="A face detector of `gath-bench list detectors`.",
)
@click.option(
    "--grader",
    default="synthfaces",
    show_default=True,
    metavar="NAME",
    help="The AU estimator that reads the AUs of the result.",
)
@device_option()
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    metavar="N",
    help="The port of the page; by default the first free one from 7860.",
)
@click.option("--open", "open_browser", is_flag=True, help="Open the page in the default browser.")
@pass_context
def demo(
    context: Context,
    models: tuple[str, ...],
    size: int | None,
    detector: str,
    grader: str,
    device: str,
    port: int | None,
    open_browser: bool,
) -> None:
    """Animate a photo by sliders in the browser.

    The page is served on this machine only (127.0.0.1), and no request leaves it. Ctrl+C ends it and removes its
    files. It needs Gradio: pip install 'gath-bench[demo,video]'.

    \b
    Examples:
      gath-bench demo --open
      gath-bench demo -m gath-warp -m gath --size 1024 --port 8000
    """
    from gath_bench.demo.page import require_gradio, serve

    with tempfile.TemporaryDirectory(prefix="gath-bench-demo-", ignore_cleanup_errors=True) as name:
        # Read when gradio is imported.
        os.environ["GRADIO_TEMP_DIR"] = str(Path(name) / "gradio")
        require_gradio()

        from gath_bench.demo.handlers import Handlers
        from gath_bench.engine.device import resolve_device

        handlers = Handlers(
            context.registry,
            Path(name),
            models,
            detector=detector,
            grader=grader,
            device=resolve_device(device),
            size=size,
        )
        server = serve(handlers, port=port, open_browser=open_browser)
        click.echo(f"{server.local_url} (Ctrl+C ends it)")
        _wait()
        server.close(verbose=False)


def _wait() -> None:
    """Wait for Ctrl+C."""
    import signal
    import threading

    stopped = threading.Event()
    # Ends in the same way when a process manager stops it, so that the files are removed.
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    try:
        stopped.wait()
    except KeyboardInterrupt:
        click.echo("stopped.", err=True)
