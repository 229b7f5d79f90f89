"""The data set ``bp4d``: image sequences of 41 people in eight tasks, five AUs coded in some of the frames."""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar

from gath_bench.au import DEFAULT_SPACE, get_space
from gath_bench.errors import UsageError
from gath_bench.images import SUFFIXES
from gath_datasets.clips.intensities import check_beyond, read_intensities
from gath_datasets.common.adapter import ImageSet
from gath_datasets.common.index import ImageIndex, list_files
from gath_datasets.common.published import Published
from gath_datasets.common.splits import hashed_split
from gath_datasets.cropping import Crop

#: The AUs with intensities.
CODED = ("AU06", "AU10", "AU12", "AU14", "AU17")
#: The intensity of a frame that was not coded.
UNKNOWN = "9"
_LABEL_FILE = re.compile(r"([FM]\d{3})_(T\d)_AU06\.csv$")


class BP4D(ImageSet):
    """BP4D: the first coded frame of a task is the source portrait, every ``step``-th coded frame after it a target.

    Frames without a row in the label files are not used. The intensity 9 means "not coded": the AU is unknown.

    Args:
        root: the folder with ``AUCoding`` and the folders of the subjects.
        step: every ``step``-th coded frame is used.
        size, crop, detector, splits: see `ImageSet`.
        au_space: a space of FACS action units; AUs other than 6, 10, 12, 14 and 17 are unknown.

    Raises:
        UsageError: see `ImageSet`.
    """

    published: ClassVar[Published] = Published(
        "bp4d",
        (
            "AUCoding/AU_INT/AU06/F001_T1_AU06.csv (a folder for each of AU06, AU10, AU12, AU14, AU17)",
            "F001/T1/2440.jpg (subject, task, frame)",
        ),
        "research use, by agreement with Binghamton University",
        "Zhang et al., BP4D-Spontaneous: a high-resolution spontaneous 3D dynamic facial expression database, Image "
        "and Vision Computing 32(10), 2014",
    )

    def __init__(
        self,
        *,
        root: Path,
        step: int = 1,
        size: int = 128,
        crop: Crop = "face",
        detector: str | None = None,
        au_space: str = DEFAULT_SPACE,
        splits: Path | None = None,
    ) -> None:
        if not set(CODED) & set(get_space(au_space).labels):
            raise UsageError(
                f"BP4D has FACS labels, which AU space {au_space} does not: use {DEFAULT_SPACE}."
            )
        if step < 1:
            raise UsageError(f"step={step} is not possible: 1 takes every coded frame, 10 every tenth.")
        self.step = step
        super().__init__(root=root, size=size, crop=crop, detector=detector, au_space=au_space, splits=splits)

    def settings(self) -> str:
        return f"{self.step}"

    def read_index(self) -> ImageIndex:
        import numpy as np

        published, root = self.published, self.root
        coding = published.folder(root, "AUCoding/AU_INT", "AU_INT")
        matches = [_LABEL_FILE.search(name) for name in list_files(coding / "AU06", (".csv",))]
        space = get_space(self.au_space)
        paths: list[str] = []
        subjects: list[str] = []
        clips: list[str] = []
        frames: list[int] = []
        aus: list[list[float]] = []
        reference: list[int] = []
        label_files: list[Path] = []
        for subject, task in [match.groups() for match in matches if match]:
            if not (root / subject / task).is_dir():
                continue  # a part of the data set
            files = [
                published.file(root, f"{coding.relative_to(root).as_posix()}/{au}/{subject}_{task}_{au}.csv")
                for au in CODED
            ]
            by_au = {
                au: read_intensities(file, unknown=UNKNOWN) for au, file in zip(CODED, files, strict=True)
            }
            images = _numbered(root / subject / task)
            coded = sorted({frame for rows in by_au.values() for frame in rows})
            check_beyond(coded[-1], max(images), len(images), f"the labels of {subject} {task}")
            label_files += files
            first = -1
            for frame in [frame for frame in coded if frame in images][:: self.step]:
                values = [
                    by_au[au].get(frame, float("nan")) if au in by_au else float("nan") for au in space.labels
                ]
                known = any(value == value for value in values)
                reference.append(first)
                if first < 0 and known:
                    first = len(paths)
                paths.append(f"{subject}/{task}/{images[frame]}")
                subjects.append(subject)
                clips.append(f"{subject}_{task}")
                frames.append(frame)
                aus.append(values)
        if not paths:
            raise published.error(root, "no coded frames")
        return ImageIndex(
            root,
            paths,
            subjects,
            [hashed_split(subject) for subject in subjects],
            np.array(aus, dtype=np.float32),
            np.array(reference, dtype=np.int64),
            frames,
            clips,
            tuple(label_files),
        )


def _numbered(folder: Path) -> dict[int, str]:
    """Frame number -> file name; numbers may have leading zeros.

    Raises:
        UsageError: two files have one number, or there are none.
    """
    frames: dict[int, str] = {}
    for name in list_files(folder, SUFFIXES):
        stem = name.rsplit(".", 1)[0]
        if not stem.isdecimal():
            continue
        if int(stem) in frames:
            raise UsageError(
                f"{folder} has frame {int(stem)} twice, {frames[int(stem)]} and {name}: keep one of them."
            )
        frames[int(stem)] = name
    if not frames:
        raise UsageError(f"{folder} has no frames such as 2440.jpg: unpack the images again.")
    return frames
