"""CK+ (Extended Cohn-Kanade): each sequence goes from a neutral face to a peak that is FACS coded."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from gath_bench.au import DEFAULT_SPACE, get_space
from gath_bench.errors import UsageError
from gath_datasets.common.adapter import ImageSet
from gath_datasets.common.index import ImageIndex, list_files
from gath_datasets.common.labels import coefficient, read_lines
from gath_datasets.common.published import Published
from gath_datasets.common.splits import hashed_split
from gath_datasets.cropping import Crop

#: An action that a space lacks -> the action of the space that shows in its place, at an unknown intensity: AU27
#: opens the jaw further than AU26, AU43 closes the eyes like AU45.
_STRONGER = {"AU27": "AU26", "AU43": "AU45", "AU45": "AU43"}
_HIGHEST_AU = 99


class CKPlus(ImageSet):
    """CK+: the first frame of a sequence is the source portrait, its peak frame the target.

    The first frame is neutral by the recording protocol, not by a coder: its AUs are 0. The frames between have no
    labels and are not used. Emotion files are not read.

    Args:
        root: the folder with ``cohn-kanade-images`` and ``FACS``.
        size, crop, detector, splits: see `ImageSet`.
        au_space: a space of FACS action units.
        unknown_intensity: the coefficient of an AU that was coded without an intensity; by default it is unknown, and
            the image is in no training stream that needs all AUs.

    Raises:
        UsageError: see `ImageSet`.
    """

    published: ClassVar[Published] = Published(
        "ck-plus",
        ("cohn-kanade-images/S005/001/S005_001_00000001.png", "FACS/S005/001/S005_001_00000011_facs.txt"),
        "non-commercial research only, by agreement with the University of Pittsburgh",
        "Lucey, Cohn, Kanade, Saragih, Ambadar & Matthews, The Extended Cohn-Kanade Dataset, CVPRW 2010",
    )

    def __init__(
        self,
        *,
        root: Path,
        size: int = 128,
        crop: Crop = "face",
        detector: str | None = None,
        au_space: str = DEFAULT_SPACE,
        splits: Path | None = None,
        unknown_intensity: float | None = None,
    ) -> None:
        if not get_space(au_space).is_facs:
            raise UsageError(f"CK+ has FACS labels, which AU space {au_space} does not: use {DEFAULT_SPACE}.")
        if unknown_intensity is not None and not 0 < unknown_intensity <= 1:
            raise UsageError(
                f"unknown_intensity={unknown_intensity:g} is not possible: give a coefficient above 0 and at most 1."
            )
        self.unknown = float("nan") if unknown_intensity is None else unknown_intensity
        super().__init__(root=root, size=size, crop=crop, detector=detector, au_space=au_space, splits=splits)

    def settings(self) -> str:
        return f"{self.unknown}"

    def read_index(self) -> ImageIndex:
        import numpy as np

        images = self.published.folder(
            self.root, "cohn-kanade-images", "extended-cohn-kanade-images/cohn-kanade-images"
        )
        facs = self.published.folder(self.root, "FACS", "FACS_labels/FACS")
        sequences: dict[str, list[str]] = {}
        for path in list_files(images):
            if path.count("/") == 2:
                sequences.setdefault(path.rsplit("/", 1)[0], []).append(path)
        labels: dict[str, Path] = {}
        for name in list_files(facs, (".txt",)):
            sequence = name.rsplit("/", 1)[0]
            if sequence in labels:
                raise UsageError(f"{facs / sequence} has two FACS files: keep that of the peak frame.")
            labels[sequence] = facs / name
        paths: list[str] = []
        aus: list[list[float]] = []
        reference: list[int] = []
        frames: list[int] = []
        count = len(get_space(self.au_space))
        for sequence, members in sorted(sequences.items()):
            numbered = _numbered(images, members)
            label = labels.get(sequence)
            peak = _peak(numbered, label, images / sequence)
            first = min(numbered)
            neutral = -1
            if first != peak:
                neutral = len(paths)
                paths.append(numbered[first])
                aus.append([0.0] * count)
                reference.append(-1)
                frames.append(first)
            paths.append(numbered[peak])
            aus.append(self._read_facs(label) if label else [float("nan")] * count)
            reference.append(neutral)
            frames.append(peak)
        subjects = [path.split("/")[0] for path in paths]
        return ImageIndex(
            images,
            paths,
            subjects,
            [hashed_split(subject) for subject in subjects],
            np.array(aus, dtype=np.float32).reshape(-1, count),
            np.array(reference, dtype=np.int64),
            frames,
            [path.rsplit("/", 1)[0].replace("/", "_") for path in paths],
            tuple(labels[sequence] for sequence in sorted(labels) if sequence in sequences),
        )

    def _read_facs(self, path: Path) -> list[float]:
        """K coefficients of a peak frame: one action unit and its intensity per line; all others are absent.

        An intensity of 0 means that the coders gave none.
        """
        space = get_space(self.au_space)
        values = dict.fromkeys(space.labels, 0.0)
        for line, text in read_lines(path):
            fields = text.split()
            if len(fields) < 2:
                raise UsageError(
                    f"{path}, line {line} has {len(fields)} of 2 columns (action unit, intensity): "
                    "the file is damaged or truncated; unpack it again."
                )
            number = round(coefficient(fields[0], _HIGHEST_AU, f"{path}, line {line}") * _HIGHEST_AU, 6)
            if number != int(number) or number < 1:
                raise UsageError(f"{path}, line {line}: {fields[0]} is not the number of an action unit.")
            label = f"AU{int(number):02d}"
            intensity = coefficient(fields[1], 5, f"{path}, line {line}, {label}")
            if intensity == 0:
                intensity = self.unknown
            if label in values:
                values[label] = intensity
            elif _STRONGER.get(label) in values:
                values[_STRONGER[label]] = self.unknown
        return list(values.values())


def _numbered(folder: Path, paths: list[str]) -> dict[int, str]:
    """The frames of a sequence by number, ``S005_001_00000011.png`` being 11.

    Raises:
        UsageError: a name has no number, or two frames have one number.
    """
    frames: dict[int, str] = {}
    for path in paths:
        number = path.rsplit("/", 1)[-1].rsplit(".", 1)[0].rsplit("_", 1)[-1]
        if not number.isdigit():
            raise UsageError(f"{folder / path} has no frame number: names are S005_001_00000011.png.")
        if int(number) in frames:
            raise UsageError(
                f"{folder / path} and {folder / frames[int(number)]} are one frame: keep one of them."
            )
        frames[int(number)] = path
    return frames


def _peak(frames: dict[int, str], label: Path | None, sequence: Path) -> int:
    """The number of the coded frame; of the last frame where there is no FACS file."""
    if label is None:
        return max(frames)
    number = label.stem.removesuffix("_facs").rsplit("_", 1)[-1]
    if not number.isdigit() or int(number) not in frames:
        raise UsageError(f"{label} codes a frame that is not in {sequence}: unpack the images again.")
    return int(number)
