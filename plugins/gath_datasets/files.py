"""A user's files: which there are, whose they are, and what they are called in sample ids."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gath_bench.errors import UsageError

#: Longer names are truncated, so that a sample id is a legal file name on all systems.
_LONGEST = 80


@dataclass(frozen=True)
class MediaFile:
    """One portrait or video.

    Attributes:
        path: the file.
        relative: its path below the root, with slashes.
        name: legal in a file name, unique in the folder whatever the case of letters.
        subject: who it is: the folder it lies in, or itself in a flat folder.
    """

    path: Path
    relative: str
    name: str
    subject: str


def find_files(
    root: Path, suffixes: Sequence[str], *, kind: str, wanted: str, default: str
) -> tuple[MediaFile, ...]:
    """One file; a flat folder, each file its own subject; or a folder per subject. Sorted by name.

    Args:
        root: the file or folder.
        suffixes: endings of file names, in lower case. A file that is named itself may have any ending.
        kind, wanted: what such files are called in messages: ``"images"``, ``"PNG, JPEG or WebP portraits"``.
        default: the name of a file whose own name has no legal character.

    Raises:
        UsageError: there is nothing at that path, or no such file in it.
    """
    if root.is_file():
        paths = {root.name: root}
    elif root.is_dir():
        # Not glob, which leaves out folders without permission.
        inside = _listed(root)
        inside += [path for folder in inside if _is_folder(folder) for path in _listed(folder)]
        paths = {path.relative_to(root).as_posix(): path for path in inside}
        paths = {name: path for name, path in paths.items() if _is_visible(name, suffixes) and path.is_file()}
    else:
        raise UsageError(f"there is no file or folder {root}: give one of {wanted}.")
    if not paths:
        raise UsageError(f"{root} holds no {kind}: put {wanted} into it, or into a folder per subject.")
    ordered = sorted(paths)
    names = file_names({relative: relative.rsplit(".", 1)[0] for relative in ordered}, default)
    folders = sorted({relative.split("/")[0] for relative in ordered if "/" in relative})
    people = file_names({folder: folder for folder in folders}, default)
    return tuple(
        MediaFile(
            paths[relative],
            relative,
            names[relative],
            people[relative.split("/")[0]] if "/" in relative else names[relative],
        )
        for relative in ordered
    )


def _is_folder(path: Path) -> bool:
    return not path.name.startswith((".", "__MACOSX")) and path.is_dir()


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError as error:
        raise UsageError(f"{folder} cannot be read: {error.strerror}; check its permissions.") from error


def file_names(texts: dict[str, str], default: str) -> dict[str, str]:
    """A legal, unique file name for each text; one that was changed or is shared carries a part of its hash.

    Args:
        texts: key -> text; the hash is over the key.
        default: the name of a text without a legal character.
    """
    plain = {
        key: re.sub(r"[^A-Za-z0-9._-]+", "_", text.replace("/", "_")).strip("._-")
        for key, text in texts.items()
    }
    shared = Counter(slug.lower() for slug in plain.values())
    names = {}
    for key, original in texts.items():
        slug, text = plain[key], original.replace("/", "_")
        if slug != text or len(slug) > _LONGEST or shared[slug.lower()] > 1:
            digest = hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()[:8]
            slug = f"{slug[:_LONGEST] or default}-{digest}"
        names[key] = slug
    return names


def _is_visible(relative: str, suffixes: Sequence[str]) -> bool:
    hidden = any(part.startswith((".", "__MACOSX")) for part in relative.split("/"))
    return not hidden and Path(relative).suffix.lower() in suffixes
