"""Reference values of the renderer: coarse means of small renders.

A test compares them with a tolerance, since the last bits differ between machines. A change of appearance needs a new
``VERSION``; ``python -m gath_datasets.synthfaces.freeze`` then writes new values.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F

from gath_datasets.synthfaces import VERSION
from gath_datasets.synthfaces.adapter import pair_images
from gath_datasets.synthfaces.samples import plan

#: Maximum difference of a mean over 8 x 8 pixels, in display values.
TOLERANCE = 0.002
SIZE, CELL, COUNT = 64, 8, 12


def measure() -> dict[str, Any]:
    """Means over cells of the source and target images of the first test samples, rounded to four digits."""
    samples = plan("test", "same-subject", 0, limit=COUNT)
    source, target, _ = pair_images(samples, SIZE)
    grids = {}
    for i, sample in enumerate(samples):
        cells = F.avg_pool2d(torch.cat([source[i], target[i]]), CELL)
        grids[sample.sample_id] = [round(v, 4) for v in cells.flatten().tolist()]
    return {"version": VERSION, "size": SIZE, "cell": CELL, "grids": grids}


if __name__ == "__main__":
    path = Path(__file__).with_name("frozen.json")
    path.write_text(json.dumps(measure()) + "\n", encoding="utf-8")
    print(path)
