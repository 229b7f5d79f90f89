"""What the demo offers to start with: the built-in photo, procedural portraits, and an AU time series."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gath_bench.animation.portrait import BUILT_IN, to_pixels
from gath_bench.contracts import Template
from gath_bench.registry import Registry

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

#: Procedural portraits beside the built-in photo: their number, and the sides of thumbnail and portrait in pixels.
PROCEDURAL, THUMBNAIL, PROCEDURAL_SIDE = 7, 96, 256
#: Where the procedural portraits come from.
_DATASET, _SPLIT, _PROTOCOL = "synthfaces", "val", "same-subject"


@dataclass(frozen=True)
class Photo:
    """A portrait that the user has chosen.

    Attributes:
        name: what messages and file names call it.
        source: a file, or an image.
        domain: ``"photo"`` or ``"synthetic"``, for the validity of the grader.
        template: where the parts of the face are in a portrait that is framed already; None for a photo.
    """

    name: str
    source: Path | Image.Image
    domain: str = "photo"
    template: Template | None = None


@dataclass(frozen=True)
class Example:
    """A portrait to choose from.

    Attributes:
        name: its name.
        thumbnail: a small picture of it.
        load: gives the portrait.
    """

    name: str
    thumbnail: Image.Image
    load: Callable[[], Photo]


def built_in_example() -> Example:
    """The built-in photo."""
    from PIL import Image
    from skimage import data

    astronaut: Any = data.astronaut
    pixels: NDArray[np.uint8] = astronaut()
    # The middle of the face in the picture of 512 x 512 pixels.
    thumbnail = Image.fromarray(pixels[20:230, 120:330]).resize(
        (THUMBNAIL, THUMBNAIL), Image.Resampling.LANCZOS
    )
    return Example(BUILT_IN, thumbnail, lambda: Photo(BUILT_IN, Path(BUILT_IN)))


def procedural_examples(registry: Registry) -> Iterator[Example]:
    """Portraits of `synthfaces`; nothing if it is not installed."""
    from PIL import Image

    if _DATASET not in registry.entries["dataset"]:
        return
    small = registry.make("dataset", f"{_DATASET}[resolution={THUMBNAIL}]").instance
    large = registry.make("dataset", f"{_DATASET}[resolution={PROCEDURAL_SIDE}]").instance
    samples = {sample.subject: sample for sample in reversed(small.samples(_SPLIT, _PROTOCOL, 0))}
    chosen = list(reversed(samples.values()))[:PROCEDURAL]
    thumbnails = small.load(chosen).source
    for number, (sample, thumbnail) in enumerate(zip(chosen, thumbnails, strict=True), 1):
        name = f"{_DATASET} {number}"

        def load(sample: object = sample, name: str = name) -> Photo:
            image = Image.fromarray(to_pixels(large.load([sample]).source[0]))
            return Photo(name, image, large.info.domain, large.info.template)

        yield Example(name, Image.fromarray(to_pixels(thumbnail)), load)


def example_series(path: Path) -> Path:
    """Write a short AU time series to try: a smile with a blink in it, 2 s at 25 rows per second."""
    import math

    rows = ["timestamp,AU06,AU12,AU45"]
    for number in range(50):
        time = number / 25
        smile = (1 - math.cos(math.pi * time)) / 2
        blink = max(0.0, 1 - abs(time - 1.0) / 0.12)
        rows.append(f"{time:.2f},{0.6 * smile:.3f},{0.9 * smile:.3f},{blink:.3f}")
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path
