"""The data set ``disfa``: videos of 27 people who watch a film, 12 AUs coded in every frame."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from gath_bench.au import apply, find_map, get_space
from gath_bench.video import SUFFIXES
from gath_datasets.clips.clip import Clip, VideoFrames
from gath_datasets.clips.dataset import ClipDataset, check_sizes, split_subjects
from gath_datasets.clips.intensities import fit_to_frames, read_intensities
from gath_datasets.clips.labelled import LabelledClips
from gath_datasets.common.index import list_files
from gath_datasets.common.published import Published
from gath_datasets.cropping import Crop, Cropper
from gath_datasets.files import MediaFile

#: The AU space of the labels.
NATIVE = "disfa12"
PUBLISHED = Published(
    name="disfa",
    tree=(
        "ActionUnit_Labels/SN001/SN001_au1.txt (one file for each of AU 1, 2, 4, 5, 6, 9, 12, 15, 17, 20, 25, 26)",
        "Videos_LeftCamera/LeftVideoSN001_comp.avi",
    ),
    licence="research use, by agreement with the University of Denver",
    citation=(
        "Mavadati, Mahoor, Bartlett, Trinh & Cohn, DISFA: A Spontaneous Facial Action Intensity Database, IEEE "
        "Transactions on Affective Computing 4(2), 2013"
    ),
)
_SUBJECT = re.compile(r"SN\d{3}")


class Disfa(ClipDataset):
    """DISFA as published; see `ClipDataset` for the samples. Frames are numbered from 1 in the labels.

    Args:
        root: the folder of the data set.
        camera: which camera's videos are used.
        size: the evaluation resolution in pixels.
        step: every ``step``-th frame is a sample.
        per_clip: at most this many target frames per video, evenly spaced; 0 for all.
        crop: ``face`` aligns the largest face of every frame to the framing of synthfaces; ``centre`` takes the
            largest centred square; ``none`` takes square videos only.
        detector: component name of the face detector, for ``crop=face``; the bundled one by default.
        au_space: the AU space of the targets; by default that of the labels.
        splits: a CSV with the columns ``subject`` and ``split``, instead of the split by hash.

    Raises:
        UsageError: the folder does not have the published layout, or a video or a label file cannot be read.
    """

    def __init__(
        self,
        *,
        root: Path,
        camera: Literal["left", "right"] = "left",
        size: int = 128,
        step: int = 1,
        per_clip: int = 0,
        crop: Crop = "face",
        detector: str | None = None,
        au_space: str = NATIVE,
        splits: Path | None = None,
    ) -> None:
        check_sizes(size, step, per_clip)
        au_map = find_map(NATIVE, au_space)
        labels = PUBLISHED.folder(root, "ActionUnit_Labels")
        side = camera.capitalize()
        videos = PUBLISHED.folder(root, f"Videos_{side}Camera", f"Video_{side}Camera")
        clips = []
        for relative in list_files(videos, SUFFIXES):
            subject = _SUBJECT.search(relative)
            if subject is None:
                continue
            name = subject.group()
            file = MediaFile(videos / relative, f"{videos.name}/{relative}", name, name)
            frames = VideoFrames(file.path)
            by_au = {
                label: read_intensities(
                    PUBLISHED.file(root, f"{labels.name}/{name}/{name}_au{int(label[2:])}.txt")
                )
                for label in get_space(NATIVE).labels
            }
            aus = fit_to_frames(by_au, get_space(NATIVE).labels, 1, len(frames), f"the labels of {name}")
            clips.append(Clip(file, frames, apply(au_map, aus), f"the labels of {name}"))
        if not clips:
            raise PUBLISHED.error(root, f"no videos with names such as SN001 in {videos.name}")
        super().__init__(
            "disfa",
            root,
            LabelledClips(tuple(clips)),
            split_subjects([clip.file.subject for clip in clips], splits),
            cropper=Cropper(crop, size, detector),
            step=step,
            per_clip=per_clip,
            au_space=au_space,
            licence=PUBLISHED.licence_line,
        )
