"""AffectNet: expression categories, without identities or AU labels. Two releases with two layouts."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal, get_args

from gath_bench.au import DEFAULT_SPACE
from gath_bench.au.table import read_columns, read_header
from gath_bench.errors import UsageError
from gath_datasets.common.adapter import UnlabelledImages
from gath_datasets.common.index import ImageIndex, list_files
from gath_datasets.common.labels import add_once, inside
from gath_datasets.common.published import Published
from gath_datasets.common.splits import hashed_split, held_out_of_train
from gath_datasets.cropping import Crop

Expression = Literal[
    "any", "neutral", "happy", "sad", "surprise", "fear", "disgust", "anger", "contempt", "none", "uncertain"
]
#: The published numbers: position in this tuple; 10 means that there is no face.
_EXPRESSIONS: tuple[str, ...] = get_args(Expression)[1:]
_NO_FACE = len(_EXPRESSIONS)
_COLUMNS = ("subDirectory_filePath", "expression")


class AffectNet(UnlabelledImages):
    """AffectNet. Its labels are expression categories, valence and arousal; no AUs are derived from them.

    Images that are labelled as having no face are left out. The published validation set is the split ``test``.

    Args:
        root: the folder with ``training.csv`` and ``validation.csv``, or with ``train_set`` and ``val_set``.
        size, aus, csv, crop, detector, au_space, splits, labels: see `UnlabelledImages`.
        expression: only the images of one category.

    Raises:
        UsageError: see `UnlabelledImages`.
    """

    published: ClassVar[Published] = Published(
        "affectnet",
        (
            "training.csv and validation.csv (subDirectory_filePath,...,expression,valence,arousal)",
            "Manually_Annotated_Images/689/IMAGE.jpg",
            "or train_set/ and val_set/ with images/0.jpg and annotations/0_exp.npy",
        ),
        "research only, by agreement with the authors; images copyright of their owners",
        "Mollahosseini, Hasani & Mahoor, AffectNet, IEEE Transactions on Affective Computing 2017",
    )
    has_identities = False

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
        expression: Expression = "any",
    ) -> None:
        self.expression = expression
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

    def settings(self) -> str:
        return f"{self.expression} {super().settings()}"

    def read_index(self) -> ImageIndex:
        self.published.folder(self.root, ".")
        training = self.published.optional_file(
            self.root, "training.csv", "Manually_Annotated_file_lists/training.csv"
        )
        if training is not None:
            return self._read_lists(training)
        parts = {name: self.root / name for name in ("train_set", "val_set") if (self.root / name).is_dir()}
        if not parts and (self.root / "annotations").is_dir():
            parts = {"": self.root}
        if not parts:
            raise self.published.error(self.root, "neither training.csv nor annotations")
        return self._read_arrays(parts)

    def _read_lists(self, training: Path) -> ImageIndex:
        """The release with one CSV per set."""
        validation = self.published.file(training.parent, "validation.csv")
        folder = self.published.folder(
            self.root,
            "Manually_Annotated_Images",
            "Manually_Annotated/Manually_Annotated_Images",
            ".",
        )
        paths: list[str] = []
        splits: list[str] = []
        seen: dict[str, Path] = {}
        for file in (training, validation):
            missing = [name for name in _COLUMNS if name not in read_header(file)]
            if missing:
                raise UsageError(f"{file} has no column {missing[0]!r}: download it again.")
            table = read_columns(file, _COLUMNS)
            lines: dict[str, int] = {}
            for line, image, number in zip(table.lines, *table.cells.values(), strict=True):
                path = inside(image, file, line)
                add_once(lines, path, file, line)
                if seen.setdefault(path, file) != file:
                    raise UsageError(f"{path} is in {seen[path]} and in {file}: keep it in one of them.")
                if self._is_wanted(number, f"{file}, line {line}"):
                    paths.append(path)
                    splits.append("test" if file == validation else held_out_of_train(path))
        return ImageIndex(folder, paths, paths, splits, label_files=(training, validation))

    def _read_arrays(self, parts: dict[str, Path]) -> ImageIndex:
        """The release with one array file per image and label."""
        paths: list[str] = []
        splits: list[str] = []
        labels: list[Path] = []
        for name, folder in parts.items():
            images = self.published.folder(folder, "images")
            self.published.folder(folder, "annotations")
            for image in list_files(images):
                label = folder / "annotations" / f"{image.rsplit('.', 1)[0]}_exp.npy"
                labels.append(label)
                if self._is_wanted(_read_number(label), str(label)):
                    path = f"{name}/images/{image}".lstrip("/")
                    paths.append(path)
                    splits.append(
                        "test" if name == "val_set" else (held_out_of_train if name else hashed_split)(path)
                    )
        return ImageIndex(self.root, paths, paths, splits, label_files=tuple(labels))

    def _is_wanted(self, number: str, place: str) -> bool:
        try:
            category = int(number)
        except ValueError:
            category = -1
        if not 0 <= category <= _NO_FACE:
            raise UsageError(f"{place}: the expression {number!r} is not a number from 0 to {_NO_FACE}.")
        if category == _NO_FACE:
            return False
        return self.expression in ("any", _EXPRESSIONS[category])


def _read_number(path: Path) -> str:
    """The single number or text in an array file.

    Raises:
        UsageError: the file is missing, damaged, or holds pickled objects, which are never loaded.
    """
    import numpy as np

    try:
        return str(np.load(path, allow_pickle=False).item())
    except FileNotFoundError:
        raise UsageError(
            f"{path} is missing: every image needs its expression; unpack the annotations again."
        ) from None
    except (OSError, ValueError, EOFError) as error:
        raise UsageError(f"{path} is not an array of one number: unpack the annotations again.") from error
