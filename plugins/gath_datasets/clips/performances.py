"""The data sets ``ravdess`` and ``mead``: actors who speak with acted emotions; published without AU labels."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from gath_bench.au import DEFAULT_SPACE, get_space
from gath_bench.video import SUFFIXES
from gath_datasets.clips.dataset import ClipDataset, check_sizes, split_subjects
from gath_datasets.clips.labelled import labelled_clips
from gath_datasets.common.index import list_files
from gath_datasets.common.published import Published
from gath_datasets.cropping import Crop, Cropper
from gath_datasets.files import MediaFile, file_names

RAVDESS = Published(
    name="ravdess",
    tree=(
        "Actor_01/02-01-06-01-02-01-01.mp4 (modality-channel-emotion-intensity-statement-repetition-actor; the folders "
        "may lie in others)",
    ),
    licence="CC BY-NC-SA 4.0",
    citation=(
        "Livingstone & Russo, The Ryerson Audio-Visual Database of Emotional Speech and Song, PLoS ONE 13(5), 2018"
    ),
)
MEAD = Published(
    name="mead",
    tree=("M003/video/front/happy/level_3/001.mp4 (actor, video, view, emotion, level)",),
    licence="research use, by agreement with the authors",
    citation="Wang et al., MEAD: A Large-scale Audio-visual Dataset for Emotional Talking-face Generation, ECCV 2020",
)
_RAVDESS_NAME = re.compile(r"(\d\d)-(\d\d-\d\d-\d\d-\d\d-\d\d)-(\d\d)\.\w+$")
_RAVDESS_FOLDER = re.compile(r"Actor_(\d\d)")
#: Modalities with pictures, the preferred one first: both show the same pictures.
_VIDEO_ONLY, _WITH_SOUND = "02", "01"
_MEAD_PATH = re.compile(r"(?:^|/)([MW]\d{3})/video/([^/]+)/([^/]+)/level_(\d)/\d+\.\w+$")


class Performances(ClipDataset):
    """Videos without published AU labels; see `ClipDataset` for the samples.

    Args:
        published: the facts of the data set.
        root: its folder.
        files: its videos.
        size, step, per_clip, crop, detector, au_space, splits, labels, estimator: see `Ravdess`.
    """

    def __init__(
        self,
        published: Published,
        root: Path,
        files: Sequence[MediaFile],
        *,
        size: int,
        step: int,
        per_clip: int,
        crop: Crop,
        detector: str | None,
        au_space: str,
        splits: Path | None,
        labels: Path | None,
        estimator: str | None,
    ) -> None:
        check_sizes(size, step, per_clip)
        get_space(au_space)
        super().__init__(
            published.name,
            root,
            labelled_clips(files, au_space, labels=labels, estimator=estimator, detector=detector, step=step),
            split_subjects([file.subject for file in files], splits),
            cropper=Cropper(crop, size, detector),
            step=step,
            per_clip=per_clip,
            au_space=au_space,
            licence=published.licence_line,
        )


class Ravdess(Performances):
    """RAVDESS as published: 24 actors.

    Args:
        root: the folder of the data set.
        channel: speech, song, or both.
        size: the evaluation resolution in pixels.
        step: every ``step``-th frame is a sample.
        per_clip: at most this many target frames per video, evenly spaced; 0 for all.
        crop: ``face`` aligns the largest face of every frame to the framing of synthfaces; ``centre`` takes the
            largest centred square; ``none`` takes square videos only.
        detector: component name of the face detector, for ``crop=face``; the bundled one by default.
        au_space: the AU space of the targets.
        splits: a CSV with the columns ``subject`` and ``split``, instead of the split by hash.
        labels: a label file of ``gath-bench label``; by default the AUs of ``NAME.csv`` beside ``NAME.mp4``.
        estimator: component name of an AU estimator, for the videos without a CSV.

    Raises:
        UsageError: the folder does not have the published layout, or a video or its labels cannot be read.
    """

    def __init__(
        self,
        *,
        root: Path,
        channel: Literal["speech", "song", "both"] = "speech",
        size: int = 128,
        step: int = 1,
        per_clip: int = 0,
        crop: Crop = "face",
        detector: str | None = None,
        au_space: str = DEFAULT_SPACE,
        splits: Path | None = None,
        labels: Path | None = None,
        estimator: str | None = None,
    ) -> None:
        super().__init__(
            RAVDESS,
            root,
            _ravdess_files(root, {"speech": "01", "song": "02"}.get(channel, "")),
            size=size,
            step=step,
            per_clip=per_clip,
            crop=crop,
            detector=detector,
            au_space=au_space,
            splits=splits,
            labels=labels,
            estimator=estimator,
        )


class Mead(Performances):
    """MEAD as published.

    Args:
        root: the folder of the data set.
        view: the camera: ``front``, ``left_30``, ``top`` and so on.
        size, step, per_clip, crop, detector, au_space, splits, labels, estimator: see `Ravdess`.

    Raises:
        UsageError: the folder does not have the published layout, or a video or its labels cannot be read.
    """

    def __init__(
        self,
        *,
        root: Path,
        view: str = "front",
        size: int = 128,
        step: int = 1,
        per_clip: int = 0,
        crop: Crop = "face",
        detector: str | None = None,
        au_space: str = DEFAULT_SPACE,
        splits: Path | None = None,
        labels: Path | None = None,
        estimator: str | None = None,
    ) -> None:
        super().__init__(
            MEAD,
            root,
            _mead_files(root, view),
            size=size,
            step=step,
            per_clip=per_clip,
            crop=crop,
            detector=detector,
            au_space=au_space,
            splits=splits,
            labels=labels,
            estimator=estimator,
        )


def _ravdess_files(root: Path, channel: str) -> list[MediaFile]:
    """One video per performance; of one with and one without sound, that without.

    Raises:
        UsageError: the root has no such videos, or the actors of a folder and a file name differ.
    """
    folder = RAVDESS.folder(root, ".")
    chosen: dict[tuple[str, str], str] = {}
    for relative in list_files(folder, SUFFIXES):
        name, place = _RAVDESS_NAME.search(relative), _RAVDESS_FOLDER.search(relative)
        if name is None or place is None or name[1] not in (_VIDEO_ONLY, _WITH_SOUND):
            continue
        if name[3] != place[1]:
            raise RAVDESS.error(root, f"{relative} is of actor {name[3]} but lies in {place[0]}")
        if channel and not name[2].startswith(channel):
            continue
        performance = (name[3], name[2])
        if performance not in chosen or name[1] == _VIDEO_ONLY:
            chosen[performance] = relative
    if not chosen:
        raise RAVDESS.error(root, "no videos named by seven numbers")
    return [
        MediaFile(folder / relative, relative, Path(relative).stem, f"Actor_{actor}")
        for (actor, _), relative in sorted(chosen.items())
    ]


def _mead_files(root: Path, view: str) -> list[MediaFile]:
    """The videos of one view.

    Raises:
        UsageError: the root has no such videos.
    """
    folder = MEAD.folder(root, ".")
    found = {relative: _MEAD_PATH.search(relative) for relative in list_files(folder, SUFFIXES)}
    views = sorted({match[2] for match in found.values() if match})
    if view not in views:
        has = f"no videos of the view {view!r}, only of {', '.join(views)}" if views else "no videos"
        raise MEAD.error(root, has)
    chosen = {relative: match for relative, match in found.items() if match and match[2] == view}
    names = file_names({relative: relative.rsplit(".", 1)[0] for relative in chosen}, "clip")
    return [
        MediaFile(folder / relative, relative, names[relative], match[1])
        for relative, match in sorted(chosen.items())
    ]
