"""The portraits in a folder, with their subjects and names."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from gath_bench.errors import UsageError
from gath_bench.images import SUFFIXES

#: Longer names are truncated, so that a sample id is a legal file name on all systems.
_LONGEST = 80


@dataclass(frozen=True)
class PortraitFile:
    """One portrait file.

    Attributes:
        path: the file.
        relative: its path below the root, with slashes.
        name: legal in a file name, unique in the folder regardless of case.
        subject: name of the folder that contains it, or its own name in a flat folder.
    """

    path: Path
    relative: str
    name: str
    subject: str


def find_portraits(root: Path) -> tuple[PortraitFile, ...]:
    """The portraits at a path: a file, a flat folder (one subject per file), or a folder per subject. Sorted by name.

    Raises:
        UsageError: the path does not exist or holds no image.
    """
    if root.is_file():
        paths = {root.name: root}
    elif root.is_dir():
        try:
            paths = {path.relative_to(root).as_posix(): path for path in (*root.glob("*"), *root.glob("*/*"))}
        except OSError as error:
            raise UsageError(f"{root} cannot be read: {error.strerror}; check its permissions.") from error
        paths = {name: path for name, path in paths.items() if _is_image(name) and path.is_file()}
    else:
        raise UsageError(f"there is no file or folder {root}: give a portrait or a folder of them.")
    if not paths:
        raise UsageError(
            f"{root} holds no images: add PNG, JPEG or WebP portraits, directly or in a folder per subject."
        )
    ordered = sorted(paths)
    slugs = _unique({relative: relative.rsplit(".", 1)[0] for relative in ordered}, ordered)
    folders = sorted({relative.split("/")[0] for relative in ordered if "/" in relative})
    people = _unique({folder: folder for folder in folders}, folders)
    return tuple(
        PortraitFile(
            paths[relative],
            relative,
            slugs[relative],
            people[relative.split("/")[0]] if "/" in relative else slugs[relative],
        )
        for relative in ordered
    )


def _is_image(relative: str) -> bool:
    hidden = any(part.startswith((".", "__MACOSX")) for part in relative.split("/"))
    return not hidden and Path(relative).suffix.lower() in SUFFIXES


def _unique(texts: dict[str, str], order: list[str]) -> dict[str, str]:
    """Key -> legal, unique name. A name that was changed or is shared ends with eight digits of the hash of its key."""
    plain = {
        key: re.sub(r"[^A-Za-z0-9._-]+", "_", text.replace("/", "_")).strip("._-")
        for key, text in texts.items()
    }
    shared = Counter(slug.lower() for slug in plain.values())
    names = {}
    for key in order:
        slug, text = plain[key], texts[key].replace("/", "_")
        if slug != text or len(slug) > _LONGEST or shared[slug.lower()] > 1:
            digest = hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()[:8]
            slug = f"{slug[:_LONGEST] or 'portrait'}-{digest}"
        names[key] = slug
    return names
