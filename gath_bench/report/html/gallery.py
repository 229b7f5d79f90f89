"""The gallery: the worst, the median and the best sample of each model by each metric, beside source and target."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gath_bench.report.html.place import Place, PlaceColumn, PlaceLine
from gath_bench.report.html.samples import has_sample_values

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from gath_bench.report.html.place import Images

#: Factor by which differences are magnified.
MAGNIFIED = 4
#: The longest side of a shown image, in pixels; larger images are resized.
SIDE = 160
#: WebP quality of shown images; differences are computed from the stored, lossless images.
QUALITY = 82

NO_IMAGES = "This run has no images: run it without --no-images to get a gallery."


@dataclass(frozen=True)
class Choice:
    """One sample chosen for one model by one metric."""

    column: PlaceColumn
    line: PlaceLine
    what: str
    sample: str


def gallery(place: Place, budget: int) -> dict[str, Any]:
    """The gallery of a place, in the format of the page's script.

    Args:
        place: the data set and protocol.
        budget: the most characters of its images in the page; further choices are left out.

    Returns:
        ``{"reason"}`` without images to show, else ``{"choices", "samples", "kept", "of", "left_out",
        "against", "magnified"}``.
    """
    if not any(line.stored_samples for line in place.lines):
        return {"reason": NO_IMAGES}
    ranked = [c for c in place.shown if c.head.direction != "none" and not c.record.system]
    ranked = [c for c in ranked if has_sample_values(c.summary)]
    values = {
        (line.label, column): _values(line, column)
        for line in place.lines
        for column in ranked
        if line.row(column) is not None
    }
    choices = list(_choices(place.lines, ranked, values))
    if not choices:
        return {"reason": "No metric here has a value and a direction for single samples."}
    pictures = _Pictures(place.lines, {choice.sample for choice in choices})
    samples: dict[str, dict[str, Any]] = {}
    shown: list[Choice] = []
    for choice in choices:
        if choice.sample not in samples:
            entry = pictures.entry(choice.sample)
            size = sum(len(text) for text in _texts(entry))
            if size > budget:
                budget = 0  # also for smaller ones, so that the first choices are shown
                continue
            budget -= size
            samples[choice.sample] = entry
        shown.append(choice)
    numbers = {column: number for number, column in enumerate(ranked)}
    return {
        "metrics": [{"name": column.head.name, "direction": column.head.direction} for column in ranked],
        "choices": [[numbers[c.column], c.line.number, c.what, c.sample] for c in shown],
        "samples": samples,
        "values": {sample: _captions(place.lines, ranked, values, sample) for sample in samples},
        "kept": max(len(line.stored_samples) for line in place.lines),
        "of": place.lines[0].cell.samples,
        "left_out": len(choices) - len(shown),
        "against": "target" if any(entry["target"] for entry in samples.values()) else "source",
        "magnified": MAGNIFIED,
    }


def _values(line: PlaceLine, column: PlaceColumn) -> dict[str, float]:
    """The values of the samples whose images are stored."""
    series = line.values(column)
    pairs = zip(series.index.tolist(), series.tolist(), strict=True)
    return {sample: value for sample, value in pairs if sample in line.stored_samples}


def _choices(
    lines: Sequence[PlaceLine],
    columns: Sequence[PlaceColumn],
    values: dict[tuple[str, PlaceColumn], dict[str, float]],
) -> Iterator[Choice]:
    """Models before baseline rows, worst before best before median: a budget cuts the last ones."""
    models = [line for line in lines if not line.reference] or list(lines)
    for group in (models, [line for line in lines if line not in models]):
        for what in ("worst", "best", "median"):
            for column in columns:
                for line in group:
                    known = values.get((line.label, column), {})
                    ordered = worst_first(known, column.head.direction)
                    if ordered:
                        at = {"worst": 0, "median": len(ordered) // 2, "best": len(ordered) - 1}[what]
                        yield Choice(column, line, what, ordered[at])


def worst_first(values: dict[str, float], direction: str) -> list[str]:
    """Sample ids from the worst value to the best; ties in order of their names, for reproducible reports.

    >>> worst_first({"a": 1.0, "b": 3.0, "c": 2.0}, "higher")
    ['a', 'c', 'b']
    """
    sign = 1 if direction == "higher" else -1
    return sorted(values, key=lambda sample: (sign * values[sample], sample))


def _captions(
    lines: Sequence[PlaceLine],
    columns: Sequence[PlaceColumn],
    values: dict[tuple[str, PlaceColumn], dict[str, float]],
    sample: str,
) -> list[dict[int, str]]:
    """For each metric the models' values on a sample, as text."""
    return [
        {
            line.number: column.head.text(known[sample])
            for line in lines
            if sample in (known := values.get((line.label, column), {}))
        }
        for column in columns
    ]


class _Pictures:
    """The images of the chosen samples, read once."""

    def __init__(self, lines: Sequence[PlaceLine], wanted: set[str]) -> None:
        self.lines = lines
        self.generated = {line.number: line.generated(wanted) for line in lines}
        self.inputs: tuple[Images, Images] = ({}, {})
        for line in lines:
            for found, more in zip(self.inputs, line.inputs(wanted - set(self.inputs[0])), strict=True):
                found.update(more)

    def entry(self, sample: str) -> dict[str, Any]:
        """Source, target, and each model's image and magnified difference, as base64 WebP or None."""
        source, target = (found.get(sample) for found in self.inputs)
        truth = source if target is None else target
        images, differences = {}, {}
        for line in self.lines:
            image = self.generated[line.number].get(sample)
            if image is None:
                continue
            images[line.number] = _webp(image)
            if truth is not None and truth.shape == image.shape and not line.cell.sees_target:
                differences[line.number] = _webp(magnified_difference(image, truth))
        return {
            "source": None if source is None else _webp(source),
            "target": None if target is None else _webp(target),
            "images": images,
            "differences": differences,
        }


def magnified_difference(image: NDArray[np.uint8], truth: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """``MAGNIFIED * |image - truth|`` in 8-bit levels, clipped: black where they are equal."""
    import numpy as np

    distance = np.abs(image.astype(np.int16) - truth.astype(np.int16)) * MAGNIFIED
    clipped: NDArray[np.uint8] = np.minimum(distance, 255).astype(np.uint8)
    return clipped


def _webp(pixels: NDArray[np.uint8]) -> str:
    from PIL import Image

    image = Image.fromarray(pixels)
    if max(image.size) > SIDE:
        image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.save(buffer, format="WEBP", quality=QUALITY, method=2)
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def _texts(entry: dict[str, Any]) -> Iterator[str]:
    for name in ("source", "target"):
        if entry[name] is not None:
            yield entry[name]
    for name in ("images", "differences"):
        yield from entry[name].values()
