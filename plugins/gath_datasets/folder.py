"""The data set ``folder``: target images alone, for images that another system wrote under the same file names.

``gath-bench run -d 'folder[targets=A]' -m 'precomputed[root=B]'`` scores the images of B against those of A. Without
source portraits, models that animate are NA, and so is every value that needs the portrait.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from gath_bench.au import DEFAULT_SPACE, get_space
from gath_bench.contracts import Batch, DatasetInfo, Sample, Unreadable, file_hash, fingerprint
from gath_bench.errors import Unavailable, UsageError, did_you_mean
from gath_bench.images import RESIZE, images_by_name, read_image, resize, size_of, to_8bit
from gath_datasets.common.splits import read_subjects

if TYPE_CHECKING:
    from torch import Tensor

_WANTED = "PNG, JPEG or WebP images"
_NO_SOURCE = "there is no source portrait of that name"


@dataclass(frozen=True)
class FolderSample(Sample):
    """A target image, and the source portrait of the same name where there is one."""

    target: Path
    source: Path | None


class Folder:
    """The images of a flat folder as targets; the name of a file without its ending is the sample id.

    Args:
        targets: the folder.
        sources: a folder of source portraits under the same names; None has no source portraits.
        size: the evaluation resolution in pixels; 0 takes that of the first image, and images of another size are NA.
        domain: ``photo`` or ``synthetic``: which evaluators are valid.
        subjects: a CSV with the columns ``file`` and ``subject``; without one, each file is a subject of its own.

    Raises:
        UsageError: a folder does not exist or holds no images, two images have one name, or the list of subjects does
            not fit.
    """

    def __init__(
        self,
        *,
        targets: Path,
        sources: Path | None = None,
        size: int = 0,
        domain: Literal["photo", "synthetic"] = "photo",
        subjects: Path | None = None,
    ) -> None:
        if size < 0:
            raise UsageError(f"size={size} is not a resolution: give the side in pixels, such as 128.")
        self.targets, self.sources, self.domain = targets, sources, domain
        self._files = images_by_name(targets, _WANTED)
        self._portraits = {} if sources is None else images_by_name(sources, _WANTED)
        self._people = None if subjects is None else _subjects(subjects, self._files)
        self._resizes = size > 0
        self.size = size or self._first_size()

    @property
    def info(self) -> DatasetInfo:
        return DatasetInfo(
            au_space=DEFAULT_SPACE,
            resolution=self.size,
            domain=self.domain,
            protocols=("same-subject",),
            splits=("test",),
            licence="the user's own images",
            has_target=True,
            has_source=self.sources is not None,
        )

    @cached_property
    def fingerprint(self) -> str:
        parts = [f"folder {self.size} {self._resizes} {RESIZE}"]
        for files in (self._files, self._portraits):
            parts += [part for name, path in files.items() for part in (name, _hash(path))]
        return fingerprint(*parts, *(self._people or {}).values())

    def samples(self, split: str, protocol: str, seed: int) -> Sequence[FolderSample]:
        """Every target image, by name; the seed has no effect."""
        info = self.info
        for word, asked, served in (("split", split, info.splits), ("protocol", protocol, info.protocols)):
            if asked not in served:
                raise UsageError(f"folder has no {word} {asked!r}: {did_you_mean(asked, served)}")
        people = self._people or {}
        return [
            FolderSample(name, people.get(name, name), path, self._portraits.get(name))
            for name, path in self._files.items()
        ]

    def load(self, samples: Sequence[Sample]) -> Batch:
        """The target images, and the source portraits, if there are any; the AUs are unknown."""
        import torch

        kept: list[FolderSample] = []
        targets: list[Tensor] = []
        sources: list[Tensor] = []
        unreadable: list[Unreadable] = []
        for sample in samples:
            if not isinstance(sample, FolderSample):
                raise TypeError(f"folder can only load its own samples, not {sample!r}")
            try:
                target = self._read(sample.target)
                if self.sources is None:
                    source = target
                elif sample.source is None:
                    raise Unavailable(_NO_SOURCE)
                else:
                    source = self._read(sample.source)
            except Unavailable as reason:
                unreadable.append(Unreadable(sample.sample_id, sample.subject, str(reason)))
                continue
            kept.append(sample)
            targets.append(target)
            sources.append(source)
        empty = torch.zeros(0, 3, self.size, self.size)
        return Batch(
            sample_id=tuple(sample.sample_id for sample in kept),
            subject=tuple(sample.subject for sample in kept),
            source=torch.stack(sources) if sources else empty,
            target_aus=torch.full((len(kept), len(get_space(DEFAULT_SPACE))), float("nan")),
            au_space=DEFAULT_SPACE,
            target=torch.stack(targets) if targets else empty,
            unreadable=tuple(unreadable),
        )

    def _read(self, path: Path) -> Tensor:
        """An image at the evaluation resolution, float32 (3, size, size).

        Raises:
            Unavailable: it cannot be read, is not square, or is of another size.
        """
        image = read_image(path)
        height, width = image.shape[-2:]
        if height != width:
            raise Unavailable(f"{path.name} is {width}x{height}, not square: crop both folders")
        if width == self.size:
            return image
        if not self._resizes:
            raise Unavailable(
                f"{path.name} is {width}x{height}, and the first image is {self.size}x{self.size}: give "
                f"size={self.size} to resize all"
            )
        return to_8bit(resize(image, self.size))

    def _first_size(self) -> int:
        """The side of the first readable square image.

        Raises:
            UsageError: there is none.
        """
        for path in self._files.values():
            try:
                width, height = size_of(path)
            except Unavailable:
                continue
            if width == height:
                return width
        raise UsageError(
            f"{self.targets} holds no square image that can be read: crop the images to squares."
        )


def _subjects(path: Path, files: dict[str, Path]) -> dict[str, str]:
    """Sample id -> subject.

    Raises:
        UsageError: the list cannot be read, or lacks a file.
    """
    people = {Path(name).stem: subject for name, subject in read_subjects(path).items()}
    unknown = [file.name for name, file in files.items() if not people.get(name)]
    if unknown:
        raise UsageError(f"{path} names no subject for {unknown[0]}: add a line, or remove the file.")
    return {name: people[name] for name in files}


def _hash(path: Path) -> str:
    try:
        return file_hash(path)
    except OSError:
        return "unreadable"
