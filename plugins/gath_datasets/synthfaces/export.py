"""Export an evaluation set as PNG files and a CSV, for systems outside Python."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

from gath_bench.images import write_png
from gath_datasets.synthfaces import AU_LABELS
from gath_datasets.synthfaces.adapter import pair_images
from gath_datasets.synthfaces.samples import SynthSample

COLUMNS = ("sample_id", "subject", "source_image", "target_image", *AU_LABELS)
BATCH = 16


def export(
    samples: Sequence[SynthSample],
    folder: Path,
    size: int,
    *,
    targets: bool = True,
    progress: Callable[[int], None] = lambda done: None,
) -> Path:
    """Write ``source/ID.png``, ``target/ID.png`` and ``samples.csv`` into a folder; returns the path of the CSV.

    Args:
        samples: what to render.
        folder: the output folder; it is created.
        size: side of the images in pixels, 64 to 512.
        targets: write target images; without them the CSV names the source image as target (verification sets).
        progress: called with the number of samples that were just written.

    Raises:
        OSError: the folder cannot be written.
    """
    kinds = ("source", "target") if targets else ("source",)
    for kind in kinds:
        (folder / kind).mkdir(parents=True, exist_ok=True)
    table = folder / "samples.csv"
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for start in range(0, len(samples), BATCH):
            batch = samples[start : start + BATCH]
            source, target, _ = pair_images(batch, size)
            for i, sample in enumerate(batch):
                names = [f"{kind}/{sample.sample_id}.png" for kind in kinds]
                for name, image in zip(names, (source[i], target[i]), strict=False):
                    write_png(folder / name, image)
                aus = [f"{value:.6f}" for value in sample.target_aus]
                writer.writerow([sample.sample_id, sample.subject, names[0], names[-1], *aus])
            progress(len(batch))
    return table
