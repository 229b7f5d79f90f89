"""A training folder of GANimation: images with the AUs that OpenFace measured on them."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from gath_bench.au import get_space
from gath_bench.errors import UsageError
from gath_datasets.common.adapter import ImageSet
from gath_datasets.common.index import ImageIndex
from gath_datasets.common.labels import add_once, coefficient, in_space, inside, read_fields
from gath_datasets.common.published import Published
from gath_datasets.common.splits import held_out_of_train
from gath_datasets.still.safe_pickle import read_arrays

_SPACE = "openface17"


class GANimationFolder(ImageSet):
    """``imgs/``, ``aus_openface.pkl``, ``train_ids.csv`` and ``test_ids.csv``. There are no identities.

    The AUs are OpenFace's readings of the images: they have its errors, and a model that is graded by OpenFace on them
    is graded against these readings. The pickle is read without executing it.
    """

    published: ClassVar[Published] = Published(
        "ganimation",
        (
            "imgs/IMAGE.jpg",
            "aus_openface.pkl ({IMAGE: 17 intensities from 0 to 5})",
            "train_ids.csv and test_ids.csv (IMAGE.jpg)",
        ),
        "that of the images",
        "Pumarola, Agudo, Martinez, Sanfeliu & Moreno-Noguer, GANimation, ECCV 2018, and the source of the images",
    )
    has_identities = False

    def read_index(self) -> ImageIndex:
        import numpy as np

        images = self.published.folder(self.root, "imgs", "images")
        labels = self.published.file(self.root, "aus_openface.pkl", "aus.pkl")
        lists = [self.published.file(self.root, name) for name in ("train_ids.csv", "test_ids.csv")]
        paths: list[str] = []
        splits: list[str] = []
        seen: dict[str, Path] = {}
        for file, split in zip(lists, ("train", "test"), strict=True):
            lines: dict[str, int] = {}
            for line, (name, *_) in read_fields(file, ("image",), separator="\t"):
                path = inside(name, file, line)
                add_once(lines, path, file, line)
                if path in seen:
                    raise UsageError(f"{path} is in {seen[path]} and in {file}: keep it in one of them.")
                seen[path] = file
                paths.append(path)
                splits.append(split if split == "test" else held_out_of_train(path))
        known = read_arrays(labels)
        space = get_space(_SPACE)
        aus = np.full((len(paths), len(space)), np.nan, dtype=np.float32)
        for row, path in enumerate(paths):
            key = path.rsplit(".", 1)[0]
            if key not in known:
                continue
            values = known[key].ravel()
            if len(values) != len(space):
                raise UsageError(f"{labels}, {key} has {len(values)} AUs, not the {len(space)} of OpenFace.")
            for column, (label, value) in enumerate(zip(space.labels, values.tolist(), strict=True)):
                aus[row, column] = coefficient(value, space.intensity_max, f"{labels}, {key}, {label}")
        return ImageIndex(
            images, paths, paths, splits, in_space(aus, _SPACE, self.au_space), label_files=(labels, *lists)
        )
