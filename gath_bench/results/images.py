"""Images kept beside a run's rows, so that a report can show what was graded without the model that painted it.

One PNG strip a batch, images below one another, with their sample ids in the file's text: any viewer opens it.
Lossless, since reports magnify differences. The names of the strips::

    images/<cell>.<batch>.png              what the model of the cell painted
    images/<data set and protocol>.source.<batch>.png, ....target.<batch>.png     kept once for all models
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from gath_bench.contracts.keys import fingerprint
from gath_bench.results.manifest import CellRecord

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

IMAGES = "images"
#: Pixels kept of one cell, 512 images of 128 x 128: about 15 MB as PNG, of the first samples in order.
KEPT_PIXELS = 512 * 128 * 128

_SAMPLES = "gath-bench:samples"


def inputs_name(dataset: str, protocol: str, side: Literal["source", "target"]) -> str:
    """The name under which all cells of a data set and protocol keep their sources, or targets, together."""
    return f"inputs-{fingerprint(dataset, protocol)[:8]}.{side}"


def input_names(cell: CellRecord) -> tuple[str, str]:
    """The names of a cell's source portraits and target images."""
    return inputs_name(cell.dataset, cell.protocol, "source"), inputs_name(
        cell.dataset, cell.protocol, "target"
    )


class ImageStore:
    """The images of one run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def has(self, name: str, batch: int) -> bool:
        """Whether a batch is kept already."""
        return self._path(name, batch).exists()

    def write(self, name: str, batch: int, sample_ids: Sequence[str], images: NDArray[np.uint8]) -> Path:
        """Keep a batch, whole or not at all.

        Args:
            name: the cell, or `inputs_name`.
            batch: its number.
            sample_ids: B names.
            images: uint8 (B, H, W, 3), sRGB.
        """
        from PIL import Image
        from PIL.PngImagePlugin import PngInfo

        count, height, width, _ = images.shape
        if count != len(sample_ids):
            raise ValueError(f"{count} images for {len(sample_ids)} samples")
        self.folder.mkdir(parents=True, exist_ok=True)
        said = PngInfo()
        said.add_itxt(_SAMPLES, json.dumps(list(sample_ids)))
        path = self._path(name, batch)
        scratch = path.with_suffix(f".{os.getpid()}.part")
        strip = Image.fromarray(images.reshape(count * height, width, 3))
        strip.save(scratch, format="PNG", pnginfo=said, compress_level=3)
        scratch.replace(path)
        return path

    def sweep(self) -> None:
        """Remove what a killed writer left behind."""
        for leftover in self.folder.glob("*.part"):
            leftover.unlink(missing_ok=True)

    def samples(self, name: str) -> list[str]:
        """The samples whose images are kept under a name, in order; a damaged strip holds none."""
        return [sample for _, held in self._strips(name) for sample in held]

    def read(self, name: str, wanted: Collection[str]) -> dict[str, NDArray[np.uint8]]:
        """The images of some samples, uint8 (H, W, 3) each; without those that are not kept."""
        import numpy as np
        from PIL import Image

        found = {}
        for path, held in self._strips(name):
            if not (mine := [sample for sample in held if sample in wanted]):
                continue
            try:
                with Image.open(path, formats=("PNG",)) as strip:
                    pixels = np.asarray(strip.convert("RGB"))
            except (OSError, SyntaxError):  # a picture is no number: the gallery does without a damaged one
                continue
            images = pixels.reshape(len(held), -1, *pixels.shape[1:])
            found.update({sample: images[held.index(sample)] for sample in mine})
        return found

    def _path(self, name: str, batch: int) -> Path:
        return self.folder / f"{name}.{batch:06d}.png"

    def _strips(self, name: str) -> Iterator[tuple[Path, list[str]]]:
        """The strips of a name and the samples each holds, from the headers alone."""
        from PIL import Image

        for path in sorted(self.folder.glob(f"{name}.[0-9]*.png")):
            try:
                with Image.open(path, formats=("PNG",)) as strip:
                    held = json.loads(strip.info[_SAMPLES])
                    if held and strip.height % len(held) == 0:
                        yield path, [str(sample) for sample in held]
            except (OSError, SyntaxError, KeyError, ValueError):
                continue
