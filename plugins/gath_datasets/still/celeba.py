"""CelebA, aligned and cropped images: identities, declared splits, five landmarks; no AU labels."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from gath_bench.au import DEFAULT_SPACE
from gath_bench.contracts import Face
from gath_bench.errors import UsageError
from gath_datasets.common.adapter import UnlabelledImages
from gath_datasets.common.index import ImageIndex, list_files
from gath_datasets.common.labels import add_once, coefficient, read_fields
from gath_datasets.common.published import Published
from gath_datasets.common.splits import SPLITS, exclusive
from gath_datasets.cropping import Crop, face_of_five_points

_POINTS = tuple(
    f"{name}_{axis}" for name in ("lefteye", "righteye", "nose", "leftmouth", "rightmouth") for axis in "xy"
)
#: Width and height of an aligned image bound its landmarks, which may lie a little outside.
_FARTHEST = 1000


class CelebA(UnlabelledImages):
    """The aligned images of CelebA.

    ``crop=face`` aligns by ``list_landmarks_align_celeba.txt`` where the file exists, otherwise by the detector.

    Args:
        root: the folder with ``img_align_celeba``.
        size, aus, csv, crop, detector, au_space, splits, labels: see `UnlabelledImages`.
        identities: false does without ``identity_CelebA.txt``, which is released on request: each image is then a
            subject of its own, and there are no stills.

    Raises:
        UsageError: see `UnlabelledImages`.
    """

    published: ClassVar[Published] = Published(
        "celeba",
        (
            "img_align_celeba/000001.jpg",
            "identity_CelebA.txt (000001.jpg 2880; or identities=false)",
            "list_eval_partition.txt (000001.jpg 0)",
        ),
        "non-commercial research only, by the CelebA agreement; images not property of MMLAB",
        "Liu, Luo, Wang & Tang, Deep Learning Face Attributes in the Wild, ICCV 2015",
    )

    def __init__(
        self,
        *,
        root: Path,
        size: int = 128,
        aus: str = "basic",
        csv: Path | None = None,
        crop: Crop = "face",
        detector: str | None = None,
        au_space: str = DEFAULT_SPACE,
        splits: Path | None = None,
        labels: Path | None = None,
        identities: bool = True,
    ) -> None:
        self.has_identities = identities  # type: ignore[misc]
        self._faces: dict[str, Face] = {}
        super().__init__(
            root=root,
            size=size,
            aus=aus,
            csv=csv,
            crop=crop,
            detector=detector,
            au_space=au_space,
            splits=splits,
            labels=labels,
        )

    def read_index(self) -> ImageIndex:
        folder = self.published.folder(self.root, "img_align_celeba", "Img/img_align_celeba")
        nested = folder / folder.name  # some copies of the archive have the folder twice
        folder = nested if nested.is_dir() else folder
        partition = self._file("list_eval_partition.txt", "Eval")
        files = [partition]
        splits = {
            image: self._split(value, partition, line)
            for image, (line, value) in self._column(partition).items()
        }
        paths = list_files(folder)
        names = [path.rsplit("/", 1)[-1] for path in paths]
        subjects = [name.rsplit(".", 1)[0] for name in names]
        if self.has_identities:
            identity_file = self._file("identity_CelebA.txt", "Anno")
            files.append(identity_file)
            identity = {image: value for image, (_, value) in self._column(identity_file).items()}
            subjects = [self._lookup(identity, name, identity_file) for name in names]
        declared = [self._lookup(splits, name, partition) for name in names]
        landmarks = self.published.optional_file(
            self.root, "list_landmarks_align_celeba.txt", "Anno/list_landmarks_align_celeba.txt"
        )
        if landmarks is not None and self.crop == "face":
            files.append(landmarks)
            wanted = set(names)
            for line, fields in read_fields(landmarks, ("image", *_POINTS), skip=2):
                if fields[0] in wanted:
                    self._faces[fields[0]] = _face(fields[1:11], f"{landmarks}, line {line}")
        return ImageIndex(folder, paths, subjects, exclusive(subjects, declared), label_files=tuple(files))

    def gives_faces(self) -> bool:
        return bool(self._faces)

    def face(self, index: int) -> Face | None:
        return self._faces.get(self.index.paths[index].rsplit("/", 1)[-1])

    def _file(self, name: str, folder: str) -> Path:
        return self.published.file(self.root, name, f"{folder}/{name}")

    def _column(self, path: Path) -> dict[str, tuple[int, str]]:
        """Image -> line and label of a file of two columns."""
        lines: dict[str, int] = {}
        column = {}
        for line, (image, value, *_) in read_fields(path, ("image", "label")):
            add_once(lines, image, path, line)
            column[image] = (line, value)
        return column

    @staticmethod
    def _lookup(labels: dict[str, str], image: str, path: Path) -> str:
        if image not in labels:
            raise UsageError(f"{path} has no line for {image}: the file is incomplete; download it again.")
        return labels[image]

    @staticmethod
    def _split(value: str, path: Path, line: int) -> str:
        if value not in ("0", "1", "2"):
            raise UsageError(f"{path}, line {line}: {value!r} is not 0 (train), 1 (val) or 2 (test).")
        return SPLITS[int(value)]


def _face(fields: list[str], place: str) -> Face:
    values = [coefficient(field, _FARTHEST, place) * _FARTHEST for field in fields]
    return face_of_five_points(list(zip(values[::2], values[1::2], strict=True)))
