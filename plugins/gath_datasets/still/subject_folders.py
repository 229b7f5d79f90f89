"""A folder per subject: ``subject-folders``, ``lfw``, ``vggface2`` and ``casia-webface``. No AU labels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from gath_bench.errors import UsageError
from gath_datasets.common.adapter import UnlabelledImages
from gath_datasets.common.index import ImageIndex, list_files
from gath_datasets.common.labels import read_fields
from gath_datasets.common.published import Published
from gath_datasets.common.splits import hashed_split, held_out_of_train


class SubjectFolders(UnlabelledImages):
    """Any folder with a folder of images per subject; splits by hash of the subject."""

    published: ClassVar[Published] = Published(
        "subject-folders", ("SUBJECT/IMAGE.jpg",), "the user's own images", "their source"
    )

    def read_index(self) -> ImageIndex:
        return self.index_of(self.published.folder(self.root, "."), hashed_split)

    def index_of(self, folder: Path, split_of: Callable[[str], str]) -> ImageIndex:
        """The images two levels below a folder.

        Args:
            folder: the folder with a folder per subject.
            split_of: subject -> split.

        Raises:
            UsageError: there are no such images.
        """
        paths = [path for path in list_files(folder) if path.count("/") == 1]
        if not paths:
            raise self.published.error(self.root, "no images in a folder per subject")
        subjects = [path.split("/")[0] for path in paths]
        splits = {subject: split_of(subject) for subject in set(subjects)}
        return ImageIndex(folder, paths, subjects, [splits[subject] for subject in subjects])


class LFW(SubjectFolders):
    """Labeled Faces in the Wild: the subjects of ``pairs.txt`` are the split ``test``, others ``train`` and ``val``."""

    published = Published(
        "lfw",
        ("lfw/Aaron_Peirsol/Aaron_Peirsol_0001.jpg (or lfw_funneled/, lfw-deepfunneled/)", "pairs.txt"),
        "images from news sites, copyright of their owners; for research",
        "Huang, Ramesh, Berg & Learned-Miller, Labeled Faces in the Wild, UMass TR 07-49, 2007",
    )

    def read_index(self) -> ImageIndex:
        from dataclasses import replace

        folder = self.published.folder(self.root, "lfw", "lfw_funneled", "lfw-deepfunneled", ".")
        pairs = self.published.file(self.root, "pairs.txt", f"{folder.name}/pairs.txt", "../pairs.txt")
        tested = self._subjects_of_pairs(pairs, folder)
        index = self.index_of(
            folder, lambda subject: "test" if subject in tested else held_out_of_train(subject)
        )
        return replace(index, label_files=(pairs,))

    def _subjects_of_pairs(self, pairs: Path, folder: Path) -> set[str]:
        """The subjects of all pairs: ``NAME i j`` shows one person, ``NAME i OTHER j`` two. A pair may be listed twice.

        Raises:
            UsageError: a line has neither form, or names a subject without a folder.
        """
        subjects: set[str] = set()
        # The first line is "10 300": the numbers of folds and of pairs.
        for line, fields in read_fields(pairs, ("name", "number", "name or number"), skip=1):
            names = [fields[0]] if len(fields) == 3 else [fields[0], fields[2]]
            numbers = fields[1:3] if len(fields) == 3 else fields[1::2]
            if len(fields) > 4 or not all(number.isdigit() for number in numbers):
                raise UsageError(
                    f"{pairs}, line {line} is neither NAME NUMBER NUMBER nor NAME NUMBER NAME NUMBER: "
                    "download the file again."
                )
            for name in names:
                if name not in subjects and not (folder / name).is_dir():
                    raise UsageError(
                        f"{pairs}, line {line} names {name}, which has no folder in {folder}: "
                        "the images are incomplete; unpack them again."
                    )
            subjects.update(names)
        return subjects


class VGGFace2(SubjectFolders):
    """VGGFace2: its ``test`` identities, and ``val`` held out of its ``train`` identities by hash."""

    published = Published(
        "vggface2",
        ("train/n000002/0001_01.jpg", "test/n000001/0001_01.jpg"),
        "withdrawn by its owners; was published under CC BY-SA 4.0 for research, images copyright of their owners",
        "Cao, Shen, Xie, Parkhi & Zisserman, VGGFace2, FG 2018",
    )

    def read_index(self) -> ImageIndex:
        parts = {name: self.published.folder(self.root, name) for name in ("train", "test")}
        trained = self.index_of(parts["train"], held_out_of_train)
        tested = self.index_of(parts["test"], lambda _: "test")
        both = set(trained.subjects) & set(tested.subjects)
        if both:
            raise UsageError(
                f"{self.root} has the identity {min(both)} in train and in test: unpack the archives again."
            )
        return ImageIndex(
            self.root,
            [f"train/{path}" for path in trained.paths] + [f"test/{path}" for path in tested.paths],
            [*trained.subjects, *tested.subjects],
            [*trained.splits, *tested.splits],
        )


class CasiaWebFace(SubjectFolders):
    """CASIA-WebFace: a folder per identity; it publishes no splits, so that they are by hash."""

    published = Published(
        "casia-webface",
        ("0000045/001.jpg (or CASIA-WebFace/0000045/001.jpg)",),
        "for research, by agreement with CASIA; images copyright of their owners",
        "Yi, Lei, Liao & Li, Learning Face Representation from Scratch, arXiv 1411.7923, 2014",
    )

    def read_index(self) -> ImageIndex:
        return self.index_of(self.published.folder(self.root, "CASIA-WebFace", "."), hashed_split)
