"""EmotioNet: presence of AUs in photos from the web, without identities."""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar
from urllib.parse import unquote, urlsplit

from gath_bench.au import get_space, normalise_au
from gath_bench.errors import UsageError
from gath_datasets.common.adapter import ImageSet
from gath_datasets.common.index import ImageIndex, list_files
from gath_datasets.common.labels import add_once, coefficient, in_space, read_lines
from gath_datasets.common.published import Published
from gath_datasets.common.splits import hashed_split
from gath_datasets.cropping import Crop

#: The labels are presence, like the probabilities of this space.
_SPACE = "pyfeat20"
_UNLABELLED = "999"
_AU_COLUMN = re.compile(r"^AU[ _]?\d{1,2}$", re.IGNORECASE)
_QUOTES = " \t'\""


class EmotioNet(ImageSet):
    """EmotioNet: a CSV of URLs and AUs, and the images that were downloaded from them, under the names in the URLs.

    A label is 1 where an AU is present, at an unknown intensity. It is a coefficient of the space ``pyfeat20``, whose
    values are probabilities of presence. Rows without an image are left out, since many URLs are dead.

    Args:
        root, size, crop, detector, splits: see `ImageSet`.
        au_space: ``pyfeat20``, or a space that it maps to.
        present: the coefficient of an AU that is present, in (0, 1]: a model that is driven by intensities gets it.

    Raises:
        UsageError: see `ImageSet`.
    """

    published: ClassVar[Published] = Published(
        "emotionet",
        ("LABELS.csv (URL,URL orig,'AU 1','AU 2',...)", "images/IMAGE.jpg (named as in the URL)"),
        "non-commercial research only, by agreement with Ohio State University; images copyright of their owners",
        "Fabian Benitez-Quiroz, Srinivasan & Martinez, EmotioNet, CVPR 2016",
    )
    has_identities = False

    def __init__(
        self,
        *,
        root: Path,
        size: int = 128,
        crop: Crop = "face",
        detector: str | None = None,
        au_space: str = _SPACE,
        splits: Path | None = None,
        present: float = 1.0,
    ) -> None:
        if not 0 < present <= 1:
            raise UsageError(
                f"present={present:g} is not possible: give a coefficient above 0 and at most 1."
            )
        self.present = present
        super().__init__(root=root, size=size, crop=crop, detector=detector, au_space=au_space, splits=splits)

    def settings(self) -> str:
        return f"{self.present}"

    def read_index(self) -> ImageIndex:
        import numpy as np

        images = self.published.folder(self.root, "images")
        lists = [self.root / name for name in list_files(self.root, (".csv",)) if "/" not in name]
        if not lists:
            raise self.published.error(self.root, "no CSV with labels")
        by_name = {path.rsplit("/", 1)[-1]: path for path in list_files(images)}
        labels: dict[str, list[float]] = {}
        seen: dict[str, int] = {}
        for file in lists:
            for line, tokens, values in _read_rows(file):
                path = next((by_name[token] for token in tokens if token in by_name), None)
                if path is not None:
                    add_once(seen, path, file, line)
                    labels[path] = values
        if not labels:
            raise self.published.error(self.root, "no image has the name of a URL in its CSV")
        paths = sorted(labels)
        coded = np.array([labels[path] for path in paths], dtype=np.float32) * np.float32(self.present)
        return ImageIndex(
            images,
            paths,
            paths,
            [hashed_split(path) for path in paths],
            in_space(coded, _SPACE, self.au_space),
            label_files=tuple(lists),
        )


def _read_rows(path: Path) -> list[tuple[int, list[str], list[float]]]:
    """Line, file names in the URLs, and K coefficients of each row.

    Quotes and commas inside URLs are not escaped in these files: the AU columns are counted from the end.
    """
    space = get_space(_SPACE)
    rows = []
    columns: list[str] | None = None
    count = 0
    for line, text in read_lines(path):
        cells = [cell.strip(_QUOTES) for cell in text.split(",")]
        if columns is None:
            first = next((i for i, cell in enumerate(cells) if _AU_COLUMN.match(cell)), None)
            if not first:
                raise UsageError(f"{path} has no columns URL and 'AU 1': it is not a list of EmotioNet.")
            columns = [normalise_au(cell) if _AU_COLUMN.match(cell) else "" for cell in cells[first:]]
            count = len(cells)
            continue
        if len(cells) < count:
            raise UsageError(
                f"{path}, line {line} has {len(cells)} of {count} columns: "
                "the file is damaged or truncated; download it again."
            )
        values = [float("nan")] * len(space)
        for label, cell in zip(columns, cells[-len(columns) :], strict=True):
            if label in space.labels and cell != _UNLABELLED:
                number = coefficient(cell, 1, f"{path}, line {line}, {label}")
                if number not in (0, 1) and number == number:
                    raise UsageError(f"{path}, line {line}, {label}: {cell} is not 0, 1 or {_UNLABELLED}.")
                values[space.labels.index(label)] = number
        rows.append((line, _file_names(",".join(cells[: -len(columns)])), values))
    if not rows:
        raise UsageError(f"{path} has no rows: download it again.")
    return rows


def _file_names(urls: str) -> list[str]:
    """The last parts of the paths of URLs, as they are and decoded.

    >>> _file_names("http://a.org/x/one%20two.jpg, 'http://b.org/three.jpg'")
    ['one%20two.jpg', 'one two.jpg', 'three.jpg', 'three.jpg']
    """
    names = []
    for url in re.findall(r"[^\s,'\"]+", urls):
        try:
            name = urlsplit(url).path.rsplit("/", 1)[-1]
        except ValueError:  # a bracket that is no IPv6 address
            name = url.rsplit("/", 1)[-1]
        names += [name, unquote(name)]
    return names
