"""Features of generated and reference images, one vector per image; used by the distances of distributions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gath_bench.contracts import CorpusFeatures, Evaluations, Features, Side

if TYPE_CHECKING:
    from torch import Tensor

#: The names of the features.
GENERATED, REFERENCE = "generated", "reference"


def pooled_features(evaluations: Evaluations, reference: Side) -> CorpusFeatures:
    """Features of the generated and the reference images by the perceptual trunk.

    Raises:
        Unavailable: the trunk is not available or not valid in this domain, or there are no reference images.
    """
    sides = {GENERATED: evaluations.features("perceptual_trunk", "generated")}
    sides[REFERENCE] = evaluations.features("perceptual_trunk", reference)
    missing = {**sides[REFERENCE].missing, **sides[GENERATED].missing}
    return CorpusFeatures({name: pooled(features) for name, features in sides.items()}, missing)


def pooled(features: Features) -> Tensor:
    """The last feature map, averaged over positions: (B, C, h, w) -> (B, C); embeddings (B, D) are kept."""
    last = features.values[-1] if isinstance(features.values, tuple) else features.values
    return last.mean((2, 3)) if last.ndim == 4 else last
