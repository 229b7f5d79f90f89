"""Which portraits there are, whose they are, and what they are called."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from gath_bench.errors import UsageError
from gath_bench.images import SUFFIXES

#: Longer names are cut, so that a sample id stays a legal file name everywhere.
_LONGEST = 80


@dataclass(frozen=True)
class PortraitFile:
    """One portrait.

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


def find_portraits(root: Path) -> tuple[PortraitFile, ...]:
    """One file; a flat folder, each file its own subject; or a folder per subject. Sorted by name.

    Raises:
        UsageError: there is nothing at that path, or no image in it.
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
            f"{root} holds no images: put PNG, JPEG or WebP portraits into it, or into a folder per subject."
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
    """A legal, unique name for each; one that was changed or is shared carries a piece of its hash."""
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
