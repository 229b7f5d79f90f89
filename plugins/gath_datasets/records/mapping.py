"""From the labels of a record to subject, clip and AUs, by column name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gath_bench.au import get_space
from gath_bench.au.spaces import normalise_au
from gath_bench.errors import UsageError, did_you_mean
from gath_datasets.common.index import ImageIndex, first_of_clips
from gath_datasets.common.labels import coefficient
from gath_datasets.common.splits import hashed_split


@dataclass(frozen=True)
class Columns:
    """The columns of a record; an empty name is a label that the data set does not have.

    Attributes:
        aus: a column with a mapping of AU names to values, or a list in the order of the AU space; ``*`` takes columns
            that are named as the AUs.
        subject: who the image shows; without it each image is a subject of its own.
        clip: the clip that the image is a frame of: its first labelled image is the source portrait of the others.
        highest: the value that is coefficient 1: 1, or 5 for FACS intensities.
    """

    aus: str
    subject: str
    clip: str
    highest: float

    @classmethod
    def choose(cls, aus: str, subject: str, clip: str, highest: float, labels: Path | None) -> Columns:
        """The columns of a data set's parameters. With a label file no AUs are read from columns.

        Raises:
            UsageError: ``highest`` is not positive, clips are given without subjects, or both a column of AUs and a
                label file are given.
        """
        if not highest > 0:
            raise UsageError(f"highest={highest:g} is not possible: give 1, or 5 for FACS intensities.")
        if clip and not subject:
            raise UsageError(f"clip={clip} needs subject=COLUMN: the frames of a clip show one subject.")
        if labels is not None and aus not in ("", "*"):
            raise UsageError(f"labels and aus={aus} both give AUs: give one of them.")
        return cls("" if labels else aus, subject, clip, highest)

    def wanted(self, names: Sequence[str]) -> list[str]:
        """The columns to read.

        Raises:
            UsageError: a column is missing.
        """
        named = [column for column in (self.aus, self.subject, self.clip) if column and column != "*"]
        for column in named:
            if column not in names:
                raise UsageError(f"there is no column {column!r}: {did_you_mean(column, names)}")
        return named + [name for name in names if self.aus == "*" and name not in named]

    def index(
        self,
        root: Path,
        names: Sequence[str],
        records: Sequence[Mapping[str, Any]],
        files: Sequence[Path],
        space: str,
    ) -> ImageIndex:
        """The index of N records.

        Args:
            root: the folder of the data set.
            names: unique name of each record, as a file name.
            records: the labels of each record.
            files: the files that hold the records.
            space: the AU space of the result.

        Raises:
            UsageError: a record lacks a column, or a value is not an AU coefficient.
        """
        import numpy as np

        subjects, clips = list(names), [""] * len(names)
        aus = np.full((len(names), len(get_space(space))), np.nan, dtype=np.float32)
        for place, (name, record) in enumerate(zip(names, records, strict=True)):
            for column in (self.subject, self.clip):
                if column and record.get(column) in (None, ""):
                    raise UsageError(
                        f"{name} has no {column!r}: give every record one, or leave the column out."
                    )
            if self.subject:
                subjects[place] = str(record[self.subject])
            if self.clip:
                clips[place] = f"{subjects[place]}_{record[self.clip]}"
            if self.aus:
                aus[place] = self._read_aus(record, name, space)
        return ImageIndex(
            root,
            names,
            subjects,
            [hashed_split(subject) for subject in subjects],
            aus if self.aus else None,
            first_of_clips(clips, aus) if self.clip and self.aus else None,
            list(range(len(names))) if self.clip else None,
            clips if self.clip else None,
            tuple(files),
        )

    def _read_aus(self, record: Mapping[str, Any], name: str, space: str) -> list[float]:
        labels = get_space(space).labels
        value = record if self.aus == "*" else record.get(self.aus)
        if value is None:
            return [float("nan")] * len(labels)
        if isinstance(value, Mapping):
            spelled = {_spelling(str(label)): number for label, number in value.items()}
            values = [spelled.get(label) for label in labels]
        elif isinstance(value, Sequence) and not isinstance(value, str):
            if len(value) != len(labels):
                raise UsageError(
                    f"{name} has {len(value)} of {len(labels)} AUs in {self.aus!r}: give one per label of {space}, or "
                    "a mapping of AU names to values."
                )
            values = list(value)
        else:
            raise UsageError(
                f"{name} has {value!r} in {self.aus!r}, which is neither a list nor a mapping of AU names to values."
            )
        return [
            float("nan") if value is None else coefficient(value, self.highest, f"{name}, {label}")
            for label, value in zip(labels, values, strict=True)
        ]


def _spelling(label: str) -> str:
    """The canonical spelling of an AU; other labels as they are."""
    try:
        return normalise_au(label)
    except UsageError:
        return label
