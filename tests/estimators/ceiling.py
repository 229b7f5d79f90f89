"""An upper bound on the correlation with AU05 that an estimator can reach from one image.

    python tests/estimators/ceiling.py

AU05 raises the upper lid, and the neutral height of the lid differs between people. This fits gradient-boosted trees
that predict AU05 from the *exact* lid heights and the *exact* values of all other AUs, for people of the test split's
distribution, and prints the correlation on people that were not used for fitting. An estimator on pixels has less
information.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch

if __name__ == "__main__":
    root = Path(__file__).resolve().parents[2]
    sys.path[:0] = [str(root), str(root / "plugins")]

from gath_datasets.synthfaces import AU_LABELS
from gath_datasets.synthfaces.expression import controls
from gath_datasets.synthfaces.eyes import opening
from gath_datasets.synthfaces.rand import derive
from gath_datasets.synthfaces.samples import random_aus
from gath_datasets.synthfaces.splits import subject_seeds
from gath_datasets.synthfaces.subject import draw_subjects


def ceiling(count: int = 60000, seed: int = 7) -> dict[str, float]:
    """Correlation of the prediction with AU05, from the upper lid alone, and from both lids and all other AUs."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    people = draw_subjects(subject_seeds("val", seed, torch.arange(count)))
    aus = random_aus(derive(people.seeds, "ceiling"))
    upper, lower = opening(SimpleNamespace(subject=people, controls=controls(aus)))  # type: ignore[arg-type]
    index = AU_LABELS.index("AU05")
    known = np.column_stack([upper[:, 0], lower[:, 0], np.delete(aus.numpy(), index, 1)])
    target, half = aus[:, index].numpy(), count // 2
    results = {}
    for name, columns in (("upper lid", 1), ("both lids and all other AUs", known.shape[1])):
        trees = HistGradientBoostingRegressor(max_iter=300, learning_rate=0.05, random_state=0)
        trees.fit(known[:half, :columns], target[:half])
        prediction = trees.predict(known[half:, :columns])
        results[name] = round(float(np.corrcoef(prediction, target[half:])[0, 1]), 3)
    return results


if __name__ == "__main__":
    print(json.dumps(ceiling()))
