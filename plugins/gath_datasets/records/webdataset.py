"""The data set ``webdataset``: WebDataset shards, tar files in which files with one stem are one record.

Shards are indexed once, header by header; images are read from their positions in the shard when they are needed. No
package is needed.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from gath_bench.au import DEFAULT_SPACE
from gath_bench.errors import Unavailable, UsageError
from gath_bench.images import decode_bytes
from gath_datasets.common.adapter import ImageSet
from gath_datasets.common.index import ImageIndex, list_files
from gath_datasets.common.published import Published
from gath_datasets.cropping import Crop
from gath_datasets.records.mapping import Columns

if TYPE_CHECKING:
    from torch import Tensor

#: Longer label files are refused: labels are small, and all of them are in memory.
_LONGEST = 1 << 20


class WebDataset(ImageSet):
    """Images and AUs in WebDataset shards.

    A record is the files ``KEY.jpg``, ``KEY.json``, ... of a shard. Columns are those of its JSON object, and the
    extensions of its text files: ``subject=cls`` reads ``KEY.cls``.

    Args:
        root: a shard (``.tar``), or a folder of shards.
        image: extensions of the images, separated by ``;``; the first that a record has counts.
        aus: the column of the AUs, ``*`` for columns named as the AUs; empty for images without AUs. See `Columns`.
        subject: the column of the subject; empty if identities are unknown.
        clip: the column of the clip, for ``same-subject`` and ``clips``; empty if images are single photos.
        highest: the value of an AU that is coefficient 1: 1, or 5 for FACS intensities.
        size, crop, detector, au_space, splits: see `ImageSet`.
        labels: a label file of ``gath-bench label``: the AUs of the images, instead of columns.

    Raises:
        UsageError: there are no shards, one is damaged, or a column is missing.
    """

    published: ClassVar[Published] = Published(
        "webdataset",
        ("000000.tar (holding KEY.jpg and KEY.json for every image)",),
        "the licence of the user's own shards",
        "their authors",
    )

    def __init__(
        self,
        *,
        root: Path,
        image: str = "jpg;jpeg;png;webp",
        aus: str = "*",
        subject: str = "",
        clip: str = "",
        highest: float = 1.0,
        size: int = 128,
        crop: Crop = "face",
        detector: str | None = None,
        au_space: str = DEFAULT_SPACE,
        splits: Path | None = None,
        labels: Path | None = None,
    ) -> None:
        self.columns = Columns.choose(aus, subject, clip, highest, labels)
        self.has_identities = bool(subject)  # type: ignore[misc]
        self.extensions = tuple(part.strip().lower() for part in image.split(";") if part.strip())
        self._places: list[tuple[Path, int, int]] = []
        super().__init__(
            root=root,
            size=size,
            crop=crop,
            detector=detector,
            au_space=au_space,
            splits=splits,
            labels=labels,
        )

    def settings(self) -> str:
        return f"{self.extensions} {self.columns}"

    def read_index(self) -> ImageIndex:
        if self.root.is_file():
            folder, shards = self.root.parent, [self.root]
        else:
            folder = self.published.folder(self.root, ".")
            shards = [folder / name for name in list_files(folder, (".tar",))]
        if not shards:
            raise self.published.error(self.root, "no .tar files")
        names: list[str] = []
        records: list[Mapping[str, Any]] = []
        for shard in shards:
            for key, members in _read_shard(shard).items():
                found = next((end for end in self.extensions if end in members), None)
                if found is None:
                    continue
                names.append(f"{shard.relative_to(folder).as_posix()}/{key}.{found}")
                self._places.append((shard, members[found].offset_data, members[found].size))
                records.append(_labels(shard, key, members, self.extensions))
        if not names:
            raise self.published.error(self.root, f"no record has an image ({', '.join(self.extensions)})")
        self.columns.wanted(sorted({column for record in records for column in record}))
        return self.columns.index(folder, names, records, shards, self.au_space)

    def read(self, index: int) -> Tensor:
        import torch

        shard, offset, size = self._places[index]
        try:
            with shard.open("rb") as file:
                file.seek(offset)
                data = file.read(size)
        except OSError as error:
            raise Unavailable(f"{shard.name} cannot be read: {error.strerror or error}.") from error
        pixels = decode_bytes(data, self.index.paths[index])
        return torch.from_numpy(pixels).permute(2, 0, 1).contiguous()


def _read_shard(path: Path) -> dict[str, dict[str, tarfile.TarInfo]]:
    """Key -> extension -> member of each record of a shard, in the order of the file.

    Raises:
        UsageError: the file is not an uncompressed tar file, it is truncated, or two members have one name.
    """
    records: dict[str, dict[str, tarfile.TarInfo]] = {}
    try:
        end = path.stat().st_size
        with tarfile.open(path, "r:") as tar:
            for member in tar:
                folder, _, name = member.name.rpartition("/")
                key, _, extension = name.partition(".")
                if not member.isfile() or not key:
                    continue
                record = records.setdefault(f"{folder}/{key}" if folder else key, {})
                if extension.lower() in record:
                    raise UsageError(f"{path} holds {member.name} twice: write the shard again.")
                if member.offset_data + member.size > end:
                    raise UsageError(f"{path} is truncated within {member.name}: download it again.")
                record[extension.lower()] = member
    except (tarfile.TarError, OSError, EOFError) as error:
        raise UsageError(
            f"{path} is damaged or not an uncompressed tar file ({error}): give shards as WebDataset writes them."
        ) from error
    return records


def _labels(
    path: Path, key: str, members: Mapping[str, tarfile.TarInfo], images: tuple[str, ...]
) -> dict[str, Any]:
    """The columns of a record.

    Raises:
        UsageError: a JSON file is not an object, or a label file is not text.
    """
    labels: dict[str, Any] = {}
    with path.open("rb") as file:
        for extension, member in members.items():
            if extension in images or (extension not in ("json", "txt", "cls", "id") and member.size > 256):
                continue
            if member.size > _LONGEST:
                raise UsageError(f"{path}: {member.name} has {member.size} bytes, too many for labels.")
            file.seek(member.offset_data)
            try:
                text = file.read(member.size).decode("utf-8")
                content = json.loads(text) if extension == "json" else text.strip()
            except ValueError as error:
                if extension != "json":
                    continue  # another small binary file
                raise UsageError(f"{path}: {member.name} is not valid JSON ({error}).") from error
            if extension == "json":
                if not isinstance(content, dict):
                    raise UsageError(f"{path}: {member.name} is not a JSON object: write columns by name.")
                labels |= content
            else:
                labels[extension] = content
    return labels
