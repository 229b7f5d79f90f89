"""The index of a data set: which images there are, whose they are, their AUs, and what they are compared with."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gath_bench.contracts import file_hash, fingerprint
from gath_bench.images import SUFFIXES

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: Up to this many files have their content in the fingerprint; of more, the content of as many, and all sizes.
HASHED_FILES = 1000


@dataclass(frozen=True, eq=False)
class ImageIndex:
    """N images, or N frames of videos: columns of length N. No image is in memory.

    Attributes:
        root: the folder that ``paths`` start from.
        paths: file of each image, with slashes; several frames of one video share a path.
        subjects: who each image shows; the image's own name where identities are unknown.
        splits: ``train``, ``val`` or ``test``; no subject is in two.
        aus: float32 (N, K) in [0, 1], NaN where an AU is unknown; None for a data set without AU labels.
        reference: int64 (N,), position of the image of the same clip that each image is generated from under
            ``same-subject``; -1 for an image that is no target. None for a data set without such pairs.
        frames: frame number of each image in its clip, if there are clips.
        clips: clip of each image, if there are clips.
        label_files: the files that the labels were read from.
        notes: sentences about what was left out.
    """

    root: Path
    paths: Sequence[str]
    subjects: Sequence[str]
    splits: Sequence[str]
    aus: NDArray[np.float32] | None = None
    reference: NDArray[np.int64] | None = None
    frames: Sequence[int] | None = None
    clips: Sequence[str] | None = None
    label_files: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.paths)

    def name(self, index: int) -> str:
        """What messages and sample ids call an image: its path without the suffix, with the frame of a video."""
        path = self.paths[index]
        stem = path.rsplit(".", 1)[0]
        # Frames that are files of their own have the number in their names.
        return f"{stem}-{self.frames[index]:06d}" if self.frames is not None and _is_video(path) else stem


def first_of_clips(clips: Sequence[str], aus: NDArray[np.float32]) -> NDArray[np.int64]:
    """`ImageIndex.reference` where the first labelled image of a clip is the source portrait of the later ones.

    Args:
        clips: the clip of each of N images, in the order of the frames.
        aus: (N, K), NaN where an AU is unknown.
    """
    import numpy as np

    reference = np.full(len(clips), -1, dtype=np.int64)
    first: dict[str, int] = {}
    for place, clip in enumerate(clips):
        reference[place] = first.get(clip, -1)
        if not np.isnan(aus[place]).all():
            first.setdefault(clip, place)
    return reference


def _is_video(path: str) -> bool:
    return not path.lower().endswith(SUFFIXES)


def list_files(folder: Path, suffixes: Sequence[str] = SUFFIXES) -> list[str]:
    """All files below a folder with one of these suffixes, relative to it, with slashes, sorted; no hidden ones."""
    found: list[str] = []
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__MACOSX")))
        inside = Path(place).relative_to(folder).as_posix()
        prefix = "" if inside == "." else f"{inside}/"
        found += [
            prefix + name
            for name in names
            if not name.startswith(".") and name.lower().endswith(tuple(suffixes))
        ]
    return sorted(found)


def content_fingerprint(root: Path, paths: Sequence[str], label_files: Sequence[Path]) -> str:
    """SHA-256 (hex) over a data set's files, independent of where the root is.

    Label files are hashed as a whole. Of the images, all relative names and sizes, and the content of `HASHED_FILES`
    of them, chosen by the hash of their names (of all, if there are no more): hashing hundreds of gigabytes before
    every run would take hours.

    Args:
        root: the folder that ``paths`` start from.
        paths: the images; repeated ones count once.
        label_files: the files with the labels.
    """
    unique = sorted(set(paths))
    by_hash = sorted(
        unique, key=lambda path: hashlib.sha256(path.encode("utf-8", "surrogateescape")).digest()
    )
    hashed = set(by_hash[:HASHED_FILES])
    parts = [file_hash(path) for path in label_files]
    for path in unique:
        try:
            content = file_hash(root / path) if path in hashed else ""
            parts.append(
                f"{path} {(root / path).stat().st_size} {content}".encode("utf-8", "surrogateescape").hex()
            )
        except OSError:
            parts.append(f"{path} unreadable".encode("utf-8", "surrogateescape").hex())
    return fingerprint(*parts)
