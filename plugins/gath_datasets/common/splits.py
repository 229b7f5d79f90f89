"""Splits in which no subject is in two: by hash, or as a file declares them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from gath_bench.au.table import Table, read_columns
from gath_bench.errors import UsageError, did_you_mean
from gath_datasets.common.labels import add_once

#: All splits; of a subject that labels put into several, the first counts.
SPLITS = ("train", "val", "test")
#: Shares of ``val`` and ``test`` among hashed subjects.
HELD_OUT = 0.1


def share(subject: str, purpose: str) -> float:
    """A number in [0, 1) that depends on subject and purpose alone: the same on every machine and in every version.

    >>> share("S005", "split") == share("S005", "val")
    False
    """
    digest = hashlib.sha256(f"{purpose}/{subject}".encode("utf-8", "surrogateescape")).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


def hashed_split(subject: str) -> str:
    """The split of a subject where nothing declares it: about 80 % train, 10 % val, 10 % test."""
    number = share(subject, "split")
    return "test" if number < HELD_OUT else "val" if number < 2 * HELD_OUT else "train"


def held_out_of_train(subject: str) -> str:
    """``val`` for about 10 % of subjects that are declared as training data, ``train`` for the others."""
    return "val" if share(subject, "val") < HELD_OUT else "train"


def exclusive(subjects: Sequence[str], splits: Sequence[str]) -> list[str]:
    """One split per image in which no subject is in two: the first of `SPLITS` that any of its images is in.

    Args:
        subjects: subject of each image.
        splits: declared split of each image.

    >>> exclusive(["a", "a", "b"], ["test", "train", "test"])
    ['train', 'train', 'test']
    """
    rank = {split: position for position, split in enumerate(SPLITS)}
    first: dict[str, int] = {}
    for subject, split in zip(subjects, splits, strict=True):
        first[subject] = min(rank[split], first.get(subject, len(SPLITS)))
    return [SPLITS[first[subject]] for subject in subjects]


def read_splits(path: Path) -> dict[str, str]:
    """The split of each subject: a CSV with the columns ``subject`` and ``split``.

    Raises:
        UsageError: the file cannot be read, names a subject twice, or a split that does not exist.
    """
    table = _read_pairs(path, "subject", "split")
    lines: dict[str, int] = {}
    for line, subject, split in zip(table.lines, table.cells["subject"], table.cells["split"], strict=True):
        add_once(lines, subject, path, line)
        if split not in SPLITS:
            raise UsageError(
                f"{path}, line {line}: there is no split {split!r}; {did_you_mean(split, SPLITS)}"
            )
    return dict(zip(table.cells["subject"], table.cells["split"], strict=True))


def read_subjects(path: Path) -> dict[str, str]:
    """The subject of each file: a CSV with the columns ``file`` and ``subject``.

    Raises:
        UsageError: the file cannot be read, a row is too short, names a file twice, or names no subject.
    """
    table = _read_pairs(path, "file", "subject")
    lines: dict[str, int] = {}
    for line, name, subject in zip(table.lines, table.cells["file"], table.cells["subject"], strict=True):
        add_once(lines, name, path, line)
        if not subject:
            raise UsageError(
                f"{path}, line {line} names no subject for {name}: add the subject, or remove the file."
            )
    return dict(zip(table.cells["file"], table.cells["subject"], strict=True))


def _read_pairs(path: Path, key: str, value: str) -> Table:
    """Two columns of a CSV.

    Raises:
        UsageError: the file cannot be read, or lacks a column.
    """
    try:
        return read_columns(path, (key, value))
    except ValueError:
        raise UsageError(f"{path} must have the columns {key} and {value}.") from None


def apply_splits(subjects: Sequence[str], declared: Mapping[str, str], path: Path) -> list[str]:
    """The split of each image, from the split of its subject.

    Raises:
        UsageError: a subject has no split.
    """
    for subject in subjects:
        if subject not in declared:
            raise UsageError(f"{path} has no split for the subject {subject}: add a line.")
    return [declared[subject] for subject in subjects]
