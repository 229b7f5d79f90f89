"""AUs of a driving video: where the face is, and what it does, frame by frame."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gath_bench.animation.model import PhotoModel
from gath_bench.au import AUTimeline
from gath_bench.au.timeline import fill_gaps, resample, savitzky_golay
from gath_bench.contracts import Face
from gath_bench.errors import Unavailable, UsageError
from gath_bench.faces import SYNTHFACES, align, face_from_landmarks
from gath_bench.video import VideoFrame, probe, read_frames

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image
    from torch import Tensor

#: A face is looked for in every so many frames; its landmarks are interpolated in between.
DETECT_EVERY = 3
#: Frames over which landmarks are smoothed, so that the alignment does not tremble.
LANDMARK_FRAMES = 9
#: Seconds without a face after which landmarks are no longer interpolated.
LONGEST_GAP = 0.5
_BATCH = 16


def estimate_video(
    path: Path,
    model: PhotoModel,
    *,
    fps: float | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> AUTimeline:
    """The AUs of the face in a video, at a constant frame rate; not smoothed.

    The video is decoded twice: once to find the face (the largest at first, then the nearest to the one before), and
    once to align it and estimate its AUs. Frames without a face are interpolated.

    Args:
        path: the video.
        model: with face detector and AU estimator; the AUs come in the model's AU space.
        fps: frames per second of the result; the video's own by default.
        progress: called with the number of frames done and their total.

    Raises:
        UsageError: the video cannot be read, or shows no face.
    """
    import numpy as np

    info = probe(path)
    times = np.asarray(info.times)
    total = 2 * len(times)
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        if progress:
            progress(min(done, total), total)

    landmarks = _find_faces(path, len(times), model, advance)
    known: NDArray[np.bool_] = np.asarray(~np.isnan(landmarks).all((1, 2)))
    if not known.any():
        raise UsageError(f"no face was found in {path}: give a video of one face from the front.")
    points, present = _fill(landmarks, known, times)
    values = np.full((len(times), len(model.space)), np.nan)
    rows: list[int] = []
    crops: list[Tensor] = []
    for frame in read_frames(path):
        if frame.index < len(times) and present[frame.index]:
            rows.append(frame.index)
            crops.append(_crop(frame.pixels, points[frame.index], model))
        if len(crops) == _BATCH:
            values[rows] = _estimate(crops, model)
            rows, crops = [], []
        advance(1)
    if crops:
        values[rows] = _estimate(crops, model)
    notes = []
    if not present.all():
        notes.append(
            f"no face was found in {int((~present).sum())} of {len(times)} frames of {path.name}: interpolated."
        )
    wanted = fps or info.fps
    result = resample(fill_gaps(values, times), times, wanted, last=1 / info.fps)
    return AUTimeline(result.clip(0, 1), model.space, wanted, tuple(notes))


def frames_at(path: Path, fps: float, count: int) -> Iterator[Image.Image]:
    """The frames of a video at a constant rate: at each time the last frame that was shown by then.

    Args:
        path: the video.
        fps: frames per second.
        count: number of frames; the last one is repeated.
    """
    from PIL import Image

    number, shown = 0, None
    for frame in read_frames(path):
        # A quarter of a frame of the output, so that rounded times do not repeat a frame.
        while shown is not None and number < count and number / fps < frame.time - 0.25 / fps:
            yield shown
            number += 1
        shown = Image.fromarray(frame.pixels)
    while shown is not None and number < count:
        yield shown
        number += 1


def _find_faces(
    path: Path, count: int, model: PhotoModel, advance: Callable[[int], None]
) -> NDArray[np.float64]:
    """Landmarks (N, 68, 2) of the frames that were searched; NaN in the others and where there is no face."""
    import numpy as np

    landmarks = np.full((count, 68, 2), np.nan)
    before: Face | None = None
    for frame in _searched(path, count):
        faces = _detect(frame.pixels, model)
        if faces:
            last = before or faces[0]
            before = min(faces, key=lambda face: _distance(face, last))
            landmarks[frame.index] = before.landmarks.numpy()
        advance(min(DETECT_EVERY, count - frame.index))
    return landmarks


def _searched(path: Path, count: int) -> Iterator[VideoFrame]:
    last = count - 1
    for frame in read_frames(path):
        if frame.index % DETECT_EVERY == 0 or frame.index == last:
            yield frame


def _detect(pixels: NDArray[np.uint8], model: PhotoModel) -> list[Face]:
    import torch

    image = torch.from_numpy(pixels).permute(2, 0, 1).float() / 255
    try:
        return model.detector.detect([image.to(model.device)])[0]
    except Unavailable as error:
        raise UsageError(f"{str(error).rstrip('.')}.") from error


def _distance(face: Face, other: Face) -> float:
    x = (face.left + face.right - other.left - other.right) / 2
    y = (face.top + face.bottom - other.top - other.bottom) / 2
    return float(x * x + y * y)


def _fill(
    landmarks: NDArray[np.float64], known: NDArray[np.bool_], times: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Landmarks of every frame, interpolated and smoothed; and which frames are near enough to a found face."""
    import numpy as np

    flat = landmarks.reshape(len(landmarks), -1)
    # A detector may not give some of the landmarks at all: they stay NaN.
    given = ~np.isnan(flat[known]).any(0)
    filled = np.full_like(flat, np.nan)
    filled[:, given] = savitzky_golay(fill_gaps(flat[:, given], times), LANDMARK_FRAMES, 1)
    nearest = np.abs(times[:, None] - times[known][None, :]).min(1)
    return filled.reshape(landmarks.shape), nearest <= LONGEST_GAP


def _crop(pixels: NDArray[np.uint8], points: NDArray[np.float64], model: PhotoModel) -> Tensor:
    import torch

    image = torch.from_numpy(pixels).permute(2, 0, 1).float() / 255
    face = face_from_landmarks(torch.from_numpy(points).float(), 1.0)
    template = model.estimator.info.template or SYNTHFACES
    return align(image, face, template, template.size)[0]


def _estimate(crops: Sequence[Tensor], model: PhotoModel) -> NDArray[np.float64]:
    import torch

    values: NDArray[np.float64] = model.estimate(torch.stack(list(crops))).double().numpy()
    return values
