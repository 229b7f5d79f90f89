"""``gath-bench animate``."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gath_bench.cli.context import Context, pass_context
from gath_bench.cli.help import device_option
from gath_bench.cli.output import echo
from gath_bench.errors import UsageError

if TYPE_CHECKING:
    from PIL import Image

    from gath_bench.animation.model import PhotoModel
    from gath_bench.animation.motion import Motion
    from gath_bench.animation.portrait import Portrait

_FILE = click.Path(dir_okay=False, path_type=Path)
_MOVING = (".gif", ".mp4")


def _paths(ctx: click.Context, parameter: click.Parameter, value: tuple[str, ...]) -> tuple[Path, ...]:
    """Paths; an empty text would be the current folder."""
    if "" in value:
        raise click.BadParameter("give a photo or a folder, not an empty text.")
    return tuple(map(Path, value))


@click.command()
@click.argument("portraits", nargs=-1, required=True, callback=_paths, metavar="PORTRAIT...")
@click.option(
    "-m",
    "--model",
    default="gath-warp",
    show_default=True,
    metavar="MODEL",
    help="A model of `gath-bench list models`.",
)
@click.option(
    "--aus",
    metavar="AUS",
    help="An expression: 6C+12D (intensities A to E), AU06=0.6,AU12=0.8 (0 to 1) or happiness*0.5.",
)
@click.option(
    "--preset",
    metavar="NAME",
    help="happiness, sadness, surprise, fear, anger, disgust, contempt or neutral.",
)
@click.option(
    "--csv", type=_FILE, metavar="FILE", help="An AU time series of OpenFace, py-feat or MediaPipe."
)
@click.option("--livelink", type=_FILE, metavar="FILE", help="A Live Link Face (ARKit) recording.")
@click.option("--drive", type=_FILE, metavar="VIDEO", help="A video whose AUs are estimated frame by frame.")
@click.option(
    "--sweep", metavar="AU", help="One AU, such as AU12, from 0 to 1 and back; in a still picture five steps."
)
@click.option("--grid", is_flag=True, help="Every AU alone at five intensities, in one labelled picture.")
@click.option(
    "--relative",
    is_flag=True,
    help="Add the AUs to the portrait's own; of a series or video, the changes since its first frame.",
)
@click.option(
    "--crop", type=click.Choice(["face", "centre", "none"]), default="face", show_default=True,
    help="What the model sees: the aligned face, the centred square, or the whole (square) image.",
)  # fmt: skip
@click.option(
    "--side-by-side",
    is_flag=True,
    help="Show the portrait, the driving video (if any) and the result in a row.",
)
@click.option(
    "--size",
    type=click.IntRange(min=16),
    metavar="N",
    help="First reduce the longer side of a larger photo to N pixels.",
)
@click.option(
    "--fps",
    type=float,
    metavar="N",
    help="Frames per second, 1 to 120; by default those of the CSV or video, otherwise 25.",
)
@click.option("--all-faces", is_flag=True, help="Animate every face, not only the largest.")
@click.option(
    "--detector",
    default="synthfaces",
    show_default=True,
    metavar="NAME",
    help="A face detector of `gath-bench list detectors`.",
)
@device_option()
@click.option(
    "-o", "--output", type=_FILE, required=True, metavar="OUT.(png|jpg|webp|gif|mp4)",
    help="The file to write. With several portraits, the name of each is added to it.",
)  # fmt: skip
@pass_context
def animate(
    context: Context,
    /,
    portraits: tuple[Path, ...],
    model: str,
    grid: bool,
    relative: bool,
    crop: Any,
    side_by_side: bool,
    size: int | None,
    fps: float | None,
    all_faces: bool,
    detector: str,
    device: str,
    output: Path,
    **sources: Any,
) -> None:
    """Animate the face in a photo of any size, and write a photo or a video.

    PORTRAIT is a photo, a folder of photos, or `astronaut`, a portrait in the public domain. Give one of --aus,
    --preset, --csv, --livelink, --drive, --sweep and --grid. The output has the size of the photo; pixels outside the
    face do not change. MP4 files and --drive need PyAV: pip install 'gath-bench[video]'.

    \b
    Examples:
      gath-bench animate astronaut --aus 45E --relative -o blink.gif
      gath-bench animate me.jpg --aus 6C+12D -o smile.png
      gath-bench animate me.jpg --preset happiness -o smile.gif
      gath-bench animate me.jpg --csv openface.csv -o spoken.mp4
      gath-bench animate me.jpg --livelink recording.csv -o spoken.gif
      gath-bench animate me.jpg --drive talk.mp4 --relative -o talking.mp4
      gath-bench animate me.jpg --grid -o grid.png
      gath-bench animate photos --sweep AU12 -o sweep.png
    """
    _check(sources, grid, fps, output)
    paths = _photos(portraits)

    from gath_bench.animation.api import make_motion
    from gath_bench.animation.model import PhotoModel
    from gath_bench.engine.device import resolve_device

    begun = time.perf_counter()
    ready = PhotoModel.load(model, context.registry, detector=detector, device=resolve_device(device))
    motion = None
    if not grid:
        preset = sources.pop("preset")
        if preset is not None:
            from gath_bench.au import get_preset

            sources["aus"] = get_preset(preset).name
        with _bar(f"AUs of {sources['drive']}" if sources["drive"] else "") as progress:
            motion = make_motion(
                ready,
                **sources,
                relative=relative,
                fps=fps,
                animated=_is_moving(output, sources),
                progress=progress,
            )
        _refuse_series_as_still(motion, output)
        for note in motion.notes:
            echo(f"note: {note}", err=True)
    work = _Work(ready, motion, crop, side_by_side, size, all_faces)
    failures = 0
    for path in paths:
        target = output if len(paths) == 1 else output.with_stem(f"{output.stem}-{path.stem}")
        try:
            echo(f"{work.write(path, target, begun)} -> {target}")
        except UsageError as error:
            if len(paths) == 1:
                raise
            failures += 1
            echo(f"gath-bench: {error}", err=True)
        begun = time.perf_counter()
    if failures:
        raise click.exceptions.Exit(2 if failures == len(paths) else 1)


class _Work:
    """What is done with each photo."""

    def __init__(
        self,
        model: PhotoModel,
        motion: Motion | None,
        crop: Any,
        side_by_side: bool,
        size: int | None,
        all_faces: bool,
    ) -> None:
        self.model, self.motion, self.side_by_side = model, motion, side_by_side
        self._options: dict[str, Any] = {"crop": crop, "size": size, "all_faces": all_faces}

    def write(self, path: Path, target: Path, begun: float) -> str:
        """Animate one photo, and report on it in one line."""
        from gath_bench.animation.api import play
        from gath_bench.animation.pictures import au_grid, beside
        from gath_bench.animation.portrait import Portrait
        from gath_bench.provenance import Provenance, save_still
        from gath_bench.video import write_animation

        portrait = Portrait.prepare(path, self.model, **self._options)
        for note in portrait.notes:
            echo(f"note: {note}", err=True)
        motion = self.motion
        if motion is None:
            save_still(target, au_grid(portrait), Provenance(self.model.key, "every AU alone"))
            return portrait.report(time.perf_counter() - begun)
        mark = Provenance(self.model.key, motion.prompt)
        frames = self._arranged(play(portrait, motion), portrait, motion)
        if motion.fps is None:
            pictures = list(frames)
            save_still(target, pictures[0] if len(pictures) == 1 else beside(pictures), mark)
            return portrait.report(time.perf_counter() - begun)
        total = len(motion.aus)
        generating = time.perf_counter()
        with _bar(target.name) as progress:
            write_animation(target, _counted(frames, total, progress), motion.fps, mark)
        seconds = time.perf_counter() - generating
        return (
            f"{portrait.report(time.perf_counter() - begun)}; {total} frames at {motion.fps:g} per second, "
            f"{total / seconds:.1f} frames/s, {100 * portrait.model_seconds / seconds:.0f} % of it the model"
        )

    def _arranged(
        self, frames: Iterator[Image.Image], portrait: Portrait, motion: Motion
    ) -> Iterator[Image.Image]:
        if not self.side_by_side:
            return frames
        from PIL import Image

        from gath_bench.animation.driver import frames_at
        from gath_bench.animation.pictures import beside

        still = Image.fromarray(portrait.pixels)
        if motion.fps is None:
            return chain([still], frames)
        if motion.driver is None:
            return (beside([still, frame]) for frame in frames)
        driver = frames_at(motion.driver, motion.fps, len(motion.aus))
        return (beside([still, shown, frame]) for shown, frame in zip(driver, frames, strict=False))


def _check(sources: dict[str, Any], grid: bool, fps: float | None, output: Path) -> None:
    """All that can be wrong with the options, before anything is loaded.

    Raises:
        UsageError: none or several sources, an unknown kind of file, or a folder that does not exist.
    """
    from gath_bench.provenance import STILL_FORMATS
    from gath_bench.video import ANIMATION_SUFFIXES

    given = [f"--{name}" for name, value in sources.items() if value is not None] + ["--grid"] * grid
    if len(given) != 1:
        known = ", ".join(f"--{name}" for name in sources)
        raise UsageError(f"{_problem(given)}: give one of {known} and --grid.")
    suffix = output.suffix.lower()
    if suffix not in (*STILL_FORMATS, *ANIMATION_SUFFIXES):
        raise UsageError(f"{output} has no known ending: write .png, .jpg, .webp, .gif or .mp4.")
    if grid and suffix in _MOVING:
        raise UsageError(f"{output} is an animation, and --grid is one picture: write .png, .jpg or .webp.")
    if not output.parent.is_dir():
        raise UsageError(f"there is no folder {output.parent}: make it first.")


def _problem(given: Sequence[str]) -> str:
    return f"{' and '.join(given)} exclude each other" if given else "nothing says what the face should do"


def _photos(portraits: Sequence[Path]) -> list[Path]:
    """The files of all arguments, folders opened.

    Raises:
        UsageError: a file or folder does not exist, or a folder holds no photos.
    """
    from gath_bench.animation.portrait import BUILT_IN
    from gath_bench.images import SUFFIXES

    found: list[Path] = []
    for path in portraits:
        if path.is_dir():
            inside = sorted(
                p for p in path.iterdir() if p.suffix.lower() in SUFFIXES and not p.name.startswith(".")
            )
            if not inside:
                raise UsageError(f"{path} holds no photos: put {', '.join(SUFFIXES)} files into it.")
            found += inside
        elif path.exists() or str(path) == BUILT_IN:
            found.append(path)
        else:
            raise UsageError(f"there is no file {path}: give a photo, or a folder of them.")
    return found


def _is_moving(output: Path, sources: dict[str, Any]) -> bool:
    """Whether an expression or a sweep becomes an animation: WebP can be either, and is one for a sweep."""
    return output.suffix.lower() in _MOVING or (output.suffix.lower() == ".webp" and bool(sources["sweep"]))


def _refuse_series_as_still(motion: Motion, output: Path) -> None:
    from gath_bench.video import ANIMATION_SUFFIXES

    if motion.fps is not None and output.suffix.lower() not in ANIMATION_SUFFIXES:
        raise UsageError(
            f"{output} is a still picture, and {motion.prompt} has {len(motion.aus)} frames: write "
            f"{', '.join(ANIMATION_SUFFIXES)}."
        )


def _counted(
    frames: Iterable[Image.Image], total: int, progress: Callable[[int, int], None]
) -> Iterator[Image.Image]:
    for done, frame in enumerate(frames, 1):
        yield frame
        progress(done, total)


@contextmanager
def _bar(title: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar with the time left, on a terminal; nothing elsewhere."""
    if not title or not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task(title, total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)
