"""The ``video`` data set: any videos, with an AU time series beside each, or estimated AUs."""

from __future__ import annotations

from pathlib import Path

from gath_bench.au import DEFAULT_SPACE, get_space
from gath_bench.errors import UsageError
from gath_datasets.clips.dataset import ClipDataset, check_sizes, split_subjects
from gath_datasets.clips.labelled import find_clips, labelled_clips
from gath_datasets.common.splits import share
from gath_datasets.cropping import Crop, Cropper
from gath_datasets.portraits.adapter import DEFAULT_CROP

#: The list of splits, in the root folder: columns ``subject`` and ``split``.
SPLITS_FILE = "splits.csv"


class Videos(ClipDataset):
    """Videos of one file, a flat folder, or a folder per subject; see `ClipDataset`.

    Args:
        root: the file or folder. Beside ``clip.mp4`` lies its AU time series ``clip.csv``.
        labels: a label file of ``gath-bench label``, instead of the time series.
        estimator: component name of an AU estimator, for the clips without a time series.
        size: the evaluation resolution in pixels.
        step: every ``step``-th frame is a sample.
        per_clip: at most this many target frames per clip, evenly spaced; 0 for all.
        crop: ``face`` aligns the largest face of every frame to the framing of synthfaces; ``centre`` takes the
            largest centred square; ``none`` takes square videos only.
        detector: component name of the face detector, for ``crop=face``; the bundled one by default.
        subjects: a CSV with the columns ``file`` and ``subject``; ``subjects.csv`` in the root by default.
        train: the share of subjects to train on; they are in no sample. The others are in the split ``test``.
        splits: a CSV with the columns ``subject`` and ``split``, instead of ``train``; ``splits.csv`` in the root by
            default.
        au_space: the AU space of the targets.

    Raises:
        UsageError: no videos at ``root``, a video or a CSV that cannot be read, or the two do not fit.
    """

    def __init__(
        self,
        *,
        root: Path,
        size: int = 128,
        step: int = 1,
        per_clip: int = 0,
        crop: Crop = DEFAULT_CROP,
        detector: str | None = None,
        subjects: Path | None = None,
        train: float = 0.0,
        splits: Path | None = None,
        au_space: str = DEFAULT_SPACE,
        labels: Path | None = None,
        estimator: str | None = None,
    ) -> None:
        check_sizes(size, step, per_clip)
        if not 0 <= train < 1:
            raise UsageError(f"train={train:g} is not possible: give a share of subjects from 0 to below 1.")
        get_space(au_space)
        files = find_clips(root, subjects)
        listed = splits or root / SPLITS_FILE
        people = sorted({file.subject for file in files})
        if splits is not None or listed.is_file():
            if train:
                raise UsageError(f"train={train:g} and {listed} both give the splits: give one of them.")
            chosen = split_subjects(people, listed)
        else:
            chosen = _split_by_share(people, train)
        super().__init__(
            "video",
            root,
            labelled_clips(
                files,
                au_space,
                labels=labels,
                estimator=estimator,
                detector=detector,
                step=step,
                scan=True,
            ),
            chosen,
            cropper=Cropper(crop, size, detector),
            step=step,
            per_clip=per_clip,
            au_space=au_space,
            licence="the licence of the user's own videos; cite their authors",
        )


def _split_by_share(subjects: list[str], train: float) -> dict[str, str]:
    """``train`` for the given share of subjects, rounded down and chosen by hash, ``test`` for the others."""
    ordered = sorted(subjects, key=lambda subject: share(subject, "split"))
    count = int(train * len(ordered) + 1e-9)
    return {subject: "train" if place < count else "test" for place, subject in enumerate(ordered)}
