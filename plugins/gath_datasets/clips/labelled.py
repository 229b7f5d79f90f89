"""Clips in video files with an AU time series beside each, or with estimated AUs."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from gath_bench import load_component
from gath_bench.au import DEFAULT_SPACE, apply, find_map, get_space, read_au_csv
from gath_bench.contracts import ComponentKey, file_hash
from gath_bench.errors import Unavailable, UsageError, did_you_mean
from gath_bench.faces import SYNTHFACES
from gath_bench.labels import read_labels
from gath_bench.video import SUFFIXES
from gath_datasets.clips.clip import Clip, VideoFrames, image_name, to_image
from gath_datasets.common.splits import read_subjects
from gath_datasets.cropping import Cropper
from gath_datasets.files import MediaFile, file_names, find_files

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from gath_bench.contracts import AUEstimator

#: Frames that an AU estimator takes at once.
_BATCH = 16
#: The list of subjects, in the root folder: columns ``file`` and ``subject``.
SUBJECTS = "subjects.csv"


def find_clips(root: Path, subjects: Path | None) -> tuple[MediaFile, ...]:
    """The video files below a root, with their subjects.

    Args:
        root: a video, a flat folder (each file a subject of its own), or a folder per subject.
        subjects: a CSV with the columns ``file`` (path below the root) and ``subject``; by default `SUBJECTS` in
            the root, where it exists.

    Raises:
        UsageError: no videos, or a list of subjects that does not fit.
    """
    files = find_files(
        root, SUFFIXES, kind="videos", wanted=f"videos ({', '.join(SUFFIXES)})", default="clip"
    )
    listed = subjects or (root / SUBJECTS if root.is_dir() else None)
    if listed is None or (subjects is None and not listed.is_file()):
        return files
    people = read_subjects(listed)
    unknown = [file.relative for file in files if file.relative not in people]
    if unknown:
        raise UsageError(
            f"{listed} names no subject for {unknown[0]}: add a line, or remove the file; "
            f"{did_you_mean(unknown[0], people)}"
        )
    names = file_names({person: person for person in sorted(set(people.values()))}, "subject")
    return tuple(replace(file, subject=names[people[file.relative]]) for file in files)


def labels_of(file: MediaFile) -> Path:
    """The AU time series of a video: ``clip.csv`` beside ``clip.mp4``."""
    return file.path.with_suffix(".csv")


@dataclass(frozen=True)
class LabelledClips:
    """Clips, and what their AUs come from.

    Attributes:
        clips: the clips.
        labelled_by: component keys of the AU estimators that the AUs come from.
    """

    clips: tuple[Clip, ...]
    labelled_by: tuple[str, ...] = ()


def labelled_clips(
    files: Sequence[MediaFile],
    space: str,
    *,
    labels: Path | None,
    estimator: str | None,
    detector: str | None,
    step: int,
    scan: bool = False,
) -> LabelledClips:
    """Clips with the AUs of a label file, or of the time series beside each; where there is none, with estimated AUs.

    A clip without any labels has no AUs.

    Args:
        files: the videos.
        space: the AU space of the result.
        labels: a label file of ``gath-bench label``; the time series are then not read, so that labels are not mixed.
        estimator: component name of an AU estimator.
        detector: component name of the face detector for the estimator; the bundled one by default.
        step: every ``step``-th frame is estimated.
        scan: look for truncated videos now; see `VideoFrames`.

    Raises:
        UsageError: as `read_clip`, `ClipEstimator` and `read_labels`.
    """
    import numpy as np

    if labels is not None:
        if estimator is not None:
            raise UsageError("labels and estimator both give the AUs: give one of them.")
        return _from_label_file([(file, VideoFrames(file.path, scan=scan)) for file in files], labels, space)
    estimate = None if estimator is None else ClipEstimator(estimator, detector, space, step)
    clips = []
    for file in files:
        if labels_of(file).is_file():
            clips.append(read_clip(file, space))
            continue
        frames = VideoFrames(file.path, scan=scan)
        if estimate is not None:
            clips.append(estimate(file, frames))
        else:
            unknown = np.full((len(frames), len(get_space(space))), np.nan, dtype=np.float32)
            clips.append(Clip(file, frames, unknown, ""))
    return LabelledClips(tuple(clips), () if estimate is None else (estimate.key,))


def _from_label_file(
    videos: Sequence[tuple[MediaFile, VideoFrames]], path: Path, space: str
) -> LabelledClips:
    read = read_labels(path)
    clips = []
    for file, frames in videos:
        names = [image_name(file, index) for index in range(len(frames))]
        if any(name in read.labels for name in names):
            first = next(name for name in names if name in read.labels)
            read.check_content(first, file_hash(file.path), file.relative)
        clips.append(Clip(file, frames, read.aus(names, space), path.name))
    return LabelledClips(tuple(clips), (read.info.estimator,))


def read_clip(file: MediaFile, space: str) -> Clip:
    """A clip and the AU time series beside it: ``clip.csv`` beside ``clip.mp4``.

    A row belongs to the frame nearest to its time, if the file has times that fit the video, otherwise to the frame
    of its position. Rows on which the tracker failed, and rows after the end of the video, give no AUs.

    Raises:
        UsageError: the video or the CSV cannot be read, there is no CSV, or the two do not fit.
    """
    import numpy as np

    frames = VideoFrames(file.path, scan=True)
    info = frames.info
    labels = labels_of(file)
    series = read_au_csv(labels, space)
    count = len(info.times)
    aus = np.full((count, len(get_space(space))), np.nan, dtype=np.float32)
    if series.face is not None and len(np.unique(series.face)) > 1:
        raise UsageError(f"{labels} holds several faces: give a file of one face.")
    numbers, repeats = np.unique(series.frame, return_counts=True)
    if (repeats > 1).any():
        raise UsageError(f"{labels} has the frame {numbers[repeats > 1][0]} twice: keep one row per frame.")
    usable = np.ones(len(series), bool) if series.success is None else series.success
    times = series.timestamp
    if times is not None and not np.isnan(times).any() and times[-1] - times[0] >= 0.5 * info.times[-1]:
        nearest = np.abs(np.asarray(info.times)[:, None] - (times - times[0])[None, :]).argmin(0)
        apart = np.abs(np.asarray(info.times)[nearest] - (times - times[0]))
        usable = usable & (apart <= 1 / info.fps)
        # Of several rows of one frame the nearest counts: it is assigned last.
        order = np.argsort(-apart, kind="stable")
    elif len(series) == count:
        nearest = order = np.arange(count)
    else:
        raise UsageError(
            f"{labels} has {len(series)} rows and no times that fit; {file.relative} has {count} frames: "
            "give one row per frame, or times."
        )
    order = order[usable[order]]
    aus[nearest[order]] = series.values[order]
    return Clip(file, frames, aus, labels.name)


class ClipEstimator:
    """Estimates the AUs of clips that have no labels.

    Args:
        name: component name of the AU estimator.
        detector: component name of the face detector; the bundled one by default.
        space: the AU space of the result.
        step: every ``step``-th frame is estimated; the others have no AUs.

    Raises:
        UsageError: there is no such estimator or detector, or no map from its AU space to ``space``.
    """

    def __init__(self, name: str, detector: str | None, space: str, step: int) -> None:
        self._estimator: AUEstimator = load_component("au_estimator", name).to("cpu")
        self.key = str(ComponentKey(name, hash=self._estimator.info.fingerprint))
        self._map = find_map(self._estimator.info.au_space or DEFAULT_SPACE, space)
        template = self._estimator.info.template or SYNTHFACES
        self._cropper = Cropper("face", template.size, detector, template)
        self._space, self._step = space, step

    def __call__(self, file: MediaFile, frames: VideoFrames) -> Clip:
        """The clip with its AUs; frames that cannot be read, or in which no face is found, have none.

        Raises:
            UsageError: the clip cannot be opened, or weights are missing.
        """
        import numpy as np
        import torch

        aus = np.full((len(frames), len(get_space(self._space))), np.nan, dtype=np.float32)
        rows: list[int] = []
        crops: list[Tensor] = []

        def estimate() -> None:
            if crops:
                aus[rows] = self._estimate(torch.stack(crops))
            rows.clear()
            crops.clear()

        with closing(frames.open()) as opened:
            for index in range(0, len(frames), self._step):
                try:
                    crops.append(self._cropper(to_image(opened.read(index)), file.relative).image)
                except (Unavailable, UsageError):
                    continue
                rows.append(index)
                if len(rows) == _BATCH:
                    estimate()
        estimate()
        return Clip(file, frames, aus, "the AU estimator")

    def _estimate(self, crops: Tensor) -> NDArray[np.float32]:
        import torch

        try:
            values = self._estimator(crops).values
        except Unavailable as error:
            raise UsageError(f"{str(error).rstrip('.')}.") from error
        mapped = torch.as_tensor(apply(self._map, torch.as_tensor(values).float()))
        result: NDArray[np.float32] = mapped.clamp(0, 1).numpy()  # NaN where the map covers no AU
        return result
