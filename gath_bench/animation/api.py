"""``gath_bench.animate``: a photo and AUs in, the photo with that expression out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, overload

from gath_bench.animation import motion as motions
from gath_bench.animation.model import DEFAULT_DETECTOR, DEFAULT_ESTIMATOR, DEFAULT_MODEL, PhotoModel
from gath_bench.animation.motion import Motion
from gath_bench.animation.portrait import Crop, Portrait
from gath_bench.au import AUSpace, format_aus
from gath_bench.contracts import AnimationModel
from gath_bench.errors import UsageError
from gath_bench.registry import Registry

if TYPE_CHECKING:
    from PIL import Image


@overload
def animate(
    portrait: Path | str | Image.Image,
    aus: str | Mapping[str, float],
    *,
    model: str | AnimationModel = ...,
    relative: bool = ...,
    crop: Crop = ...,
    all_faces: bool = ...,
    size: int | None = ...,
    detector: str = ...,
    estimator: str = ...,
    device: str = ...,
) -> Image.Image: ...
@overload
def animate(
    portrait: Path | str | Image.Image,
    *,
    csv: Path | str | None = ...,
    livelink: Path | str | None = ...,
    drive: Path | str | None = ...,
    sweep: str | None = ...,
    model: str | AnimationModel = ...,
    relative: bool = ...,
    crop: Crop = ...,
    all_faces: bool = ...,
    size: int | None = ...,
    fps: float | None = ...,
    detector: str = ...,
    estimator: str = ...,
    device: str = ...,
) -> Iterator[Image.Image]: ...
def animate(
    portrait: Path | str | Image.Image,
    aus: str | Mapping[str, float] | None = None,
    *,
    csv: Path | str | None = None,
    livelink: Path | str | None = None,
    drive: Path | str | None = None,
    sweep: str | None = None,
    model: str | AnimationModel = DEFAULT_MODEL,
    relative: bool = False,
    crop: Crop = "face",
    all_faces: bool = False,
    size: int | None = None,
    fps: float | None = None,
    detector: str = DEFAULT_DETECTOR,
    estimator: str = DEFAULT_ESTIMATOR,
    device: str = "auto",
) -> Image.Image | Iterator[Image.Image]:
    """Animate the face in a photo. The result has the photo's size; pixels outside the face crop are the photo's.

    Give one of ``aus``, ``csv``, ``livelink``, ``drive`` and ``sweep``.

    Args:
        portrait: a file or an image.
        aus: the expression, in the notation of `gath_bench.au.parse_aus` or AU -> coefficient in [0, 1]; an AU that
            is not named is 0.
        csv: an AU time series of OpenFace, py-feat or MediaPipe.
        livelink: a Live Link Face recording.
        drive: a video whose AUs are estimated frame by frame and smoothed.
        sweep: one AU, from 0 to 1 and back.
        model: a component name or an instance.
        relative: add AUs to the portrait's own: those of ``aus`` and ``sweep`` as they are, those of a series as the
            changes since its first frame.
        crop: ``face`` aligns the face to the model's template; ``centre`` takes the largest centred square; ``none``
            the whole image, which must be square.
        all_faces: animate every face rather than the largest.
        size: the longer side in pixels to which a larger photo is reduced first.
        fps: frames per second of an animation.
        detector: component name of the face detector.
        estimator: component name of the AU estimator for ``drive`` and ``relative``.
        device: ``"auto"``, ``"cpu"`` or ``"cuda:0"``.

    Returns:
        An RGB image for ``aus``; otherwise an iterator of images. Neither carries metadata: write files by
        `gath_bench.provenance.save_still` and `gath_bench.video.write_animation`, which add them.

    Raises:
        UsageError: the photo, the AUs or the driver cannot be read, no face was found, or a component is missing.
    """
    from gath_bench.engine.device import resolve_device
    from gath_bench.plugins import load_plugins

    ready = PhotoModel.load(
        model,
        Registry.of(load_plugins()),
        detector=detector,
        estimator=estimator,
        device=resolve_device(device),
    )
    motion = make_motion(
        ready, aus=aus, csv=csv, livelink=livelink, drive=drive, sweep=sweep, relative=relative, fps=fps
    )
    prepared = Portrait.prepare(portrait, ready, crop=crop, all_faces=all_faces, size=size)
    frames = play(prepared, motion)
    return frames if motion.fps else next(frames)


def make_motion(
    model: PhotoModel,
    *,
    aus: str | Mapping[str, float] | None = None,
    csv: Path | str | None = None,
    livelink: Path | str | None = None,
    drive: Path | str | None = None,
    sweep: str | None = None,
    relative: bool = False,
    fps: float | None = None,
    animated: bool | None = None,
    progress: object = None,
) -> Motion:
    """The motion of exactly one source; see `animate`.

    Args:
        animated: whether ``aus`` and ``sweep`` become an animation; by default ``sweep`` does and ``aus`` does not.
        progress: for ``drive``, see `motion.driven`.

    Raises:
        UsageError: none or several sources are given, or the one given cannot be read.
    """
    given = {"aus": aus, "csv": csv, "livelink": livelink, "drive": drive, "sweep": sweep}
    named = [name for name, value in given.items() if value is not None]
    if len(named) != 1:
        raise UsageError(
            (f"{' and '.join(named)} exclude each other" if named else "nothing says what the face should do")
            + f": give one of {', '.join(given)}."
        )
    if fps is not None:
        motions.check_fps(fps)
    space: AUSpace = model.space
    if aus is not None:
        text = aus if isinstance(aus, str) else format_aus(aus)
        return motions.expression(text, space, animated=bool(animated), relative=relative, fps=fps)
    if sweep is not None:
        return motions.sweep(sweep, space, animated=animated is not False, relative=relative, fps=fps)
    if csv is not None:
        return motions.series(Path(csv), space, relative=relative, fps=fps)
    if livelink is not None:
        return motions.live_link(Path(livelink), space, relative=relative, fps=fps)
    assert drive is not None
    return motions.driven(Path(drive), model, relative=relative, fps=fps, progress=progress)  # type: ignore[arg-type]


def play(portrait: Portrait, motion: Motion) -> Iterator[Image.Image]:
    """The frames of a motion on a portrait.

    Raises:
        UsageError: the model cannot generate, with its reason.
    """
    own = portrait.source_aus() if motion.needs_source_aus else None
    return portrait.frames(motion.targets(own))
