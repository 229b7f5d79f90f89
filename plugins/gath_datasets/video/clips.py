"""The clips of the ``video`` data set: files, subjects, and the AUs of every frame."""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from gath_bench import load_component
from gath_bench.au import DEFAULT_SPACE, apply, find_map, get_space, read_au_csv
from gath_bench.errors import Unavailable, UsageError, did_you_mean
from gath_bench.faces import SYNTHFACES
from gath_bench.video import SUFFIXES, VideoInfo, probe, read_frames
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


@dataclass(frozen=True, eq=False)
class Clip:
    """One video with its AUs.

    Attributes:
        file: the file, its name in sample ids and its subject.
        info: size, frame rate and times.
        aus: float32 (frames, K) in [0, 1]; NaN in the rows of frames without AUs.
        labels: the CSV that the AUs came from; None for estimated ones.
    """

    file: MediaFile
    info: VideoInfo
    aus: NDArray[np.float32]
    labels: Path | None

    def reason(self, index: int) -> str | None:
        """Why a frame has no AUs; None if it has."""
        import numpy as np

        if not np.isnan(self.aus[index]).all():
            return None
        source = self.labels.name if self.labels else "the AU estimator"
        return f"{source} has no AUs for frame {index} of {self.file.relative}"

    @property
    def source_index(self) -> int | None:
        """The first frame that has AUs; None if there is none."""
        return next((index for index in range(len(self.aus)) if self.reason(index) is None), None)


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
    people = _read_subjects(listed)
    unknown = [file.relative for file in files if file.relative not in people]
    if unknown:
        raise UsageError(
            f"{listed} names no subject for {unknown[0]}: add a line, or remove the file; "
            f"{did_you_mean(unknown[0], people)}"
        )
    names = file_names({person: person for person in sorted(set(people.values()))}, "subject")
    return tuple(replace(file, subject=names[people[file.relative]]) for file in files)


def _read_subjects(path: Path) -> dict[str, str]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, skipinitialspace=True)
            if not {"file", "subject"} <= set(reader.fieldnames or ()):
                raise UsageError(f"{path} must have the columns file and subject.")
            return {row["file"].strip(): row["subject"].strip() for row in reader if row["file"]}
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path} is not a CSV text file in UTF-8: export it as one.") from error


def labels_of(file: MediaFile) -> Path:
    """The AU time series of a video: ``clip.csv`` beside ``clip.mp4``."""
    return file.path.with_suffix(".csv")


def read_clip(file: MediaFile, space: str) -> Clip:
    """A clip and the AU time series beside it: ``clip.csv`` beside ``clip.mp4``.

    A row belongs to the frame nearest to its time, if the file has times that fit the video, otherwise to the frame
    of its position. Rows on which the tracker failed give no AUs.

    Raises:
        UsageError: the video or the CSV cannot be read, there is no CSV, or the two do not fit.
    """
    import numpy as np

    info = probe(file.path)
    labels = labels_of(file)
    if not labels.is_file():
        raise UsageError(
            f"{file.relative} has no AU time series beside it: write {labels.name} (OpenFace, py-feat, Live Link "
            "Face), or estimate the AUs with estimator=synthfaces."
        )
    series = read_au_csv(labels, space)
    count = len(info.times)
    aus = np.full((count, len(get_space(space))), np.nan, dtype=np.float32)
    if series.face is not None and len(np.unique(series.face)) > 1:
        raise UsageError(f"{labels} holds several faces: give a file of one face.")
    usable = np.ones(len(series), bool) if series.success is None else series.success
    times = series.timestamp
    if times is not None and not np.isnan(times).any() and times[-1] - times[0] >= 0.5 * info.times[-1]:
        nearest = np.abs(np.asarray(info.times)[:, None] - (times - times[0])[None, :]).argmin(0)
        apart = np.abs(np.asarray(info.times)[nearest] - (times - times[0])) > 1 / info.fps
        usable = usable & ~apart
    elif len(series) == count:
        nearest = np.arange(count)
    else:
        raise UsageError(
            f"{labels} has {len(series)} rows and no times that fit; {file.relative} has {count} frames: "
            "give one row per frame, or times."
        )
    aus[nearest[usable]] = series.values[usable]
    return Clip(file, info, aus, labels)


class ClipEstimator:
    """Estimates the AUs of clips that have no time series beside them.

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
        self._map = find_map(self._estimator.info.au_space or DEFAULT_SPACE, space)
        template = self._estimator.info.template or SYNTHFACES
        self._cropper = Cropper("face", template.size, detector, template)
        self._space, self._step = space, step

    def __call__(self, file: MediaFile) -> Clip:
        """The clip with its AUs; frames in which no face is found have none.

        Raises:
            UsageError: the video cannot be read, or weights are missing.
        """
        import numpy as np
        import torch

        info = probe(file.path)
        aus = np.full((len(info.times), len(get_space(self._space))), np.nan, dtype=np.float32)
        rows: list[int] = []
        crops: list[Tensor] = []

        def estimate() -> None:
            if crops:
                aus[rows] = self._estimate(torch.stack(crops))
            rows.clear()
            crops.clear()

        for frame in read_frames(file.path):
            if frame.index % self._step or frame.index >= len(aus):
                continue
            image = torch.from_numpy(frame.pixels).permute(2, 0, 1).float() / 255
            try:
                crops.append(self._cropper(image, file.relative).image)
            except Unavailable:
                continue
            rows.append(frame.index)
            if len(rows) == _BATCH:
                estimate()
        estimate()
        return Clip(file, info, aus, None)

    def _estimate(self, crops: Tensor) -> NDArray[np.float32]:
        import torch

        try:
            values = self._estimator(crops).values
        except Unavailable as error:
            raise UsageError(f"{str(error).rstrip('.')}.") from error
        mapped = torch.as_tensor(apply(self._map, torch.as_tensor(values).float()))
        result: NDArray[np.float32] = torch.nan_to_num(mapped).clamp(0, 1).numpy()
        return result
