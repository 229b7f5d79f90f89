"""The AU estimator ``au-csv``: AUs that another tool wrote into a table, looked up by the content of the image.

An estimator sees pixels, not names. So the table comes with the folder of images that the tool was run on: an image is
found by its 8-bit pixels, and an image that is not in the folder has no value.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from gath_bench.au import get_space, read_au_csv
from gath_bench.contracts import EvaluatorInfo, Features, file_hash, fingerprint
from gath_bench.errors import UsageError
from gath_bench.images import read_image

if TYPE_CHECKING:
    from gath_bench.au import AUSeries

#: Columns that name the image of a row: this package's lists, py-feat, LibreFace and others.
NAME_COLUMNS = ("sample_id", "input", "image", "filename", "file", "path", "name", "image_path")
SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"})


def image_key(image: Tensor) -> bytes:
    """Size and 8-bit pixels of an image (3, H, W) in [0, 1]."""
    pixels = (image.detach().cpu().clamp(0, 1) * 255).round().byte().contiguous()
    return str(tuple(pixels.shape)).encode() + pixels.numpy().tobytes()


class TableAUs:
    """AUs from a CSV of OpenFace, py-feat, LibreFace or MediaPipe (implements the ``AUEstimator`` contract).

    Rows are assigned to images by a column of file names (``NAME_COLUMNS``); without one, by order: row *i* belongs to
    the *i*-th image in the order of file names, as OpenFace's ``FeatureExtraction -fdir`` writes them.
    """

    def __init__(self, *, csv: Path, images: Path, space: str = "auto") -> None:
        """Args:
        csv: the table.
        images: the folder of images that the tool was run on; for generated images, the folder of `precomputed`.
        space: the AU space of the values; ``auto`` takes the file's own.
        """
        if not images.is_dir():
            raise UsageError(f"there is no folder {images}: give the images that {csv.name} was made from.")
        self._images = sorted(path for path in images.rglob("*") if path.suffix.lower() in SUFFIXES)
        if not self._images:
            raise UsageError(f"{images} has no images: give the images that {csv.name} was made from.")
        series = read_au_csv(csv)
        self._series = read_au_csv(csv, series.native_space.name if space == "auto" else space)
        self._csv = csv
        self._row_of = _rows_by_image(csv, self._series, self._images, images)

    @cached_property
    def info(self) -> EvaluatorInfo:
        """Domain, AU space and fingerprint, which covers the table and the images."""
        hashes = [file_hash(path) for path in (self._csv, *self._images)]
        return EvaluatorInfo(
            fingerprint(*hashes, self._series.space.name), frozenset({"photo"}), self._series.space.name
        )

    def to(self, device: str) -> TableAUs:
        """The estimator itself."""
        return self

    def __call__(self, images: Tensor) -> Features:
        """The rows of images (B, 3, H, W): float32 (B, K) in [0, 1], NaN where the table has no value."""
        values = torch.full((len(images), len(get_space(self._series.space.name))), torch.nan)
        missing = {}
        for position, image in enumerate(images):
            row = self._by_pixels.get(image_key(image))
            if row is None:
                missing[position] = f"{self._csv.name} has no row for this image"
            elif self._series.success is not None and not self._series.success[row]:
                missing[position] = f"the tracker found no face ({self._csv.name})"
            else:
                values[position] = torch.from_numpy(self._series.values[row].copy())
        return Features(values.to(images.device), missing)

    @cached_property
    def _by_pixels(self) -> dict[bytes, int]:
        return {image_key(read_image(path)): row for path, row in self._row_of.items()}


def _rows_by_image(csv: Path, series: AUSeries, images: list[Path], folder: Path) -> dict[Path, int]:
    """Image -> row; of several faces in an image, the first row.

    Raises:
        UsageError: without names, the table has another number of rows than there are images; with names, none fits.
    """
    names = _names(csv)
    if names is None:
        if len(series) != len(images):
            raise UsageError(
                f"{csv} has {len(series)} rows for {len(images)} images in {folder} and no column of file names "
                f"({', '.join(NAME_COLUMNS)}): give the folder that it was made from."
            )
        return {path: row for row, path in enumerate(images)}
    rows: dict[str, int] = {}
    for row, name in enumerate(names):
        rows.setdefault(Path(name.replace("\\", "/")).name, row)
    by_stem = {Path(name).stem: row for name, row in rows.items()}
    found = {path: rows.get(path.name, by_stem.get(path.stem)) for path in images}
    assigned = {path: row for path, row in found.items() if row is not None}
    if not assigned:
        raise UsageError(f"no file name in {csv} is that of an image in {folder}, such as {images[0].name}.")
    return assigned


def _names(csv: Path) -> list[str] | None:
    """The file name of each row, if the table has a column of them."""
    import csv as reader

    with csv.open(newline="", encoding="utf-8-sig") as file:
        table = reader.reader(file, skipinitialspace=True)
        header = [name.strip().lower() for name in next(table)]
        column = next((header.index(name) for name in NAME_COLUMNS if name in header), None)
        if column is None:
            return None
        return [row[column].strip() for row in table if row]
