"""How well one picture can tell AU05 at all, whoever looks.

    python tests/estimators/ceiling.py

AU05 lifts the upper lid, and people's lids stand at unlike heights. This fits the best guess of AU05 (gradient-boosted
trees) to the lids' *exact* heights and the *exact* values of all other AUs, for people drawn like the test split's, and
prints its correlation on people that it was not fitted to. No estimator that sees pixels knows as much.
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
    """Correlation with AU05 of the best guess from the upper lid alone, and from lids and all other AUs."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    who = draw_subjects(subject_seeds("val", seed, torch.arange(count)))
    aus = random_aus(derive(who.seeds, "ceiling"))
    upper, lower = opening(SimpleNamespace(subject=who, move=controls(aus)))  # type: ignore[arg-type]
    index = AU_LABELS.index("AU05")
    known = np.column_stack([upper[:, 0], lower[:, 0], np.delete(aus.numpy(), index, 1)])
    wanted, half = aus[:, index].numpy(), count // 2
    found = {}
    for name, columns in (("upper lid", 1), ("both lids and all other AUs", known.shape[1])):
        trees = HistGradientBoostingRegressor(max_iter=300, learning_rate=0.05, random_state=0)
        trees.fit(known[:half, :columns], wanted[:half])
        guess = trees.predict(known[half:, :columns])
        found[name] = round(float(np.corrcoef(guess, wanted[half:])[0, 1]), 3)
    return found


if __name__ == "__main__":
    print(json.dumps(ceiling()))
