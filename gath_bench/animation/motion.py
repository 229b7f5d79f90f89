"""Which AUs are asked for, frame by frame."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gath_bench.animation.model import PhotoModel
from gath_bench.au import (
    DEFAULT_SPACE,
    AUSpace,
    apply,
    aus_to_vector,
    find_map,
    format_aus,
    make_timeline,
    parse_aus,
    read_au_csv,
    relative_to_first,
    smooth,
)
from gath_bench.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor

#: Frames per second of expressions and sweeps.
FPS = 25.0
#: An expression in an animation: seconds to reach it, to hold it, and to return; then a pause.
RISE, HOLD, PAUSE = 0.6, 0.8, 0.4
#: Seconds of a sweep from 0 to 1 and back.
SWEEP_SECONDS = 2.0
#: Intensities of a sweep in a still picture, and of a grid.
LEVELS = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Motion:
    """AUs over time.

    Attributes:
        aus: float32 (N, K) in [0, 1], in the model's AU space.
        weight: float32 (N, 1) in [0, 1] or None. Where given, frame n shows the portrait's own AUs moved by
            ``weight[n]`` of the way towards ``aus[n]``.
        relative: the changes since the first row are added to the portrait's own AUs.
        fps: frames per second; None for a still picture.
        prompt: the AUs in one line, for the provenance; empty for a series.
        notes: sentences about what was missing and what was assumed.
        driver: the driving video, if there is one.
    """

    aus: Tensor
    weight: Tensor | None = None
    relative: bool = False
    fps: float | None = None
    prompt: str = ""
    notes: tuple[str, ...] = ()
    driver: Path | None = None

    @property
    def needs_source_aus(self) -> bool:
        """Whether the frames depend on the portrait's own AUs."""
        return self.relative or self.weight is not None

    def targets(self, source_aus: Tensor | None) -> Tensor:
        """The AUs to ask for, float32 (N, K).

        Args:
            source_aus: the portrait's own, float32 (K,); None if `needs_source_aus` is false.
        """
        import torch

        if not self.needs_source_aus:
            return self.aus
        assert source_aus is not None
        if self.weight is not None:
            wanted = (source_aus + self.aus).clamp(0, 1) if self.relative else self.aus
            return source_aus + self.weight * (wanted - source_aus)
        if len(self.aus) == 1:
            return (source_aus + self.aus).clamp(0, 1)
        return torch.from_numpy(relative_to_first(self.aus.numpy(), source_aus.numpy()))


def expression(
    text: str, space: AUSpace, *, animated: bool, relative: bool = False, fps: float | None = None
) -> Motion:
    """One expression: a still picture, or an animation from the portrait as it is to the expression and back.

    Args:
        text: the notation of `parse_aus`.
        space: the model's AU space.
        animated: an animation rather than a still.
        relative: add the AUs to the portrait's own.
        fps: frames per second of the animation.

    Raises:
        UsageError: the text is not an expression.
    """
    import torch

    native, vector = _vector(text, space)
    prompt = format_aus(parse_aus(text, native))
    if not animated:
        return Motion(vector[None], relative=relative, prompt=prompt)
    rate = check_fps(fps or FPS)
    times = torch.arange(round((2 * RISE + HOLD + PAUSE) * rate)) / rate
    weight = torch.minimum(times / RISE, (2 * RISE + HOLD - times) / RISE).clamp(0, 1)
    eased = (1 - torch.cos(math.pi * weight)) / 2
    return Motion(vector.expand(len(times), -1), eased[:, None], relative=relative, fps=rate, prompt=prompt)


def sweep(
    label: str, space: AUSpace, *, animated: bool, relative: bool = False, fps: float | None = None
) -> Motion:
    """One AU from 0 to 1 and back, all others at 0: an animation, or the `LEVELS` for a row of stills.

    Raises:
        UsageError: the space has no such AU.
    """
    import torch

    if "=" in label or label.strip()[-1:].isalpha():
        raise UsageError(f"--sweep takes one AU without an intensity, such as AU12, not {label!r}.")
    native, vector = _vector(f"{_au(label, space)}=1", space)
    prompt = f"sweep of {_au(label, native)}"
    if not animated:
        levels = torch.tensor(LEVELS)[:, None]
        return Motion(levels * vector, relative=relative, prompt=prompt)
    rate = check_fps(fps or FPS)
    times = torch.arange(round(SWEEP_SECONDS * rate)) / rate
    level = (1 - torch.cos(2 * math.pi * times / SWEEP_SECONDS)) / 2
    return Motion(level[:, None] * vector, relative=relative, fps=rate, prompt=prompt)


def series(path: Path, space: AUSpace, *, relative: bool = False, fps: float | None = None) -> Motion:
    """An AU time series of OpenFace, py-feat, MediaPipe or Live Link Face.

    Args:
        path: the CSV file.
        space: the model's AU space.
        relative: add the changes since the first row to the portrait's own AUs.
        fps: frames per second of the result; the file's own by default.

    Raises:
        UsageError: the file cannot be read, has no AUs, or they have no map to the space.
    """
    import torch

    timeline = make_timeline(read_au_csv(path, space.name), fps=None if fps is None else check_fps(fps))
    return Motion(
        torch.from_numpy(timeline.values),
        relative=relative,
        fps=timeline.fps,
        prompt=f"AU time series {path.name}",
        notes=timeline.notes,
    )


def live_link(path: Path, space: AUSpace, *, relative: bool = False, fps: float | None = None) -> Motion:
    """A Live Link Face recording: as `series`, and the file must be one.

    Raises:
        UsageError: the file is no recording of Live Link Face, or as `series`.
    """
    from gath_bench.au.table import read_header

    header = {name.lower() for name in read_header(path)}
    if not {"timecode", "jawopen"} <= header:
        raise UsageError(
            f"{path} is no Live Link Face recording (it has no columns Timecode and JawOpen): use --csv for other "
            "AU time series."
        )
    return series(path, space, relative=relative, fps=fps)


def driven(
    path: Path,
    model: PhotoModel,
    *,
    relative: bool = False,
    fps: float | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Motion:
    """The AUs of a driving video: faces are aligned, AUs estimated frame by frame, then smoothed.

    Args:
        path: the video.
        model: with face detector and AU estimator.
        relative: add the changes since the first frame to the portrait's own AUs.
        fps: frames per second of the result; the video's own by default.
        progress: called with the number of frames done and their total.

    Raises:
        UsageError: the video cannot be read, or shows no face.
    """
    import torch

    from gath_bench.animation.driver import estimate_video

    timeline = estimate_video(path, model, fps=None if fps is None else check_fps(fps), progress=progress)
    return Motion(
        torch.from_numpy(smooth(timeline.values)),
        relative=relative,
        fps=timeline.fps,
        prompt=f"driving video {path.name}",
        notes=timeline.notes,
        driver=path,
    )


def _vector(text: str, space: AUSpace) -> tuple[AUSpace, Tensor]:
    """The AU space in which a text is written, and its vector in the model's space, float32 (K,).

    FACS notation works for any model: where its space has no action units, the default space is mapped.
    """
    import torch

    from gath_bench.au import get_space

    native = space if space.is_facs or _is_native(text, space) else get_space(DEFAULT_SPACE)
    mapped = apply(find_map(native.name, space.name), torch.from_numpy(aus_to_vector(text, native))[None])
    return native, torch.nan_to_num(torch.as_tensor(mapped, dtype=torch.float32))[0].clamp(0, 1)


def _is_native(text: str, space: AUSpace) -> bool:
    try:
        parse_aus(text, space)
    except UsageError:
        return False
    return True


def _au(label: str, space: AUSpace) -> str:
    """The full name of an AU: ``12`` is AU12 in a space of action units."""
    from gath_bench.au import normalise_au

    return normalise_au(label) if label.strip().lstrip("AUau _-").isdecimal() else label.strip()


def check_fps(fps: float) -> float:
    """The frame rate of an output.

    Raises:
        UsageError: it is not from 1 to 120.
    """
    if not 1 <= fps <= 120:
        raise UsageError(f"--fps {fps:g} is not possible: give 1 to 120 frames per second.")
    return fps
