"""`synthfaces@1`: procedural portraits with exact AU labels. Importing this package does not import torch."""

from __future__ import annotations

from gath_bench.au import get_space

#: Incremented whenever the rendered pixels of a sample id change; part of every key.
VERSION = 1

#: The AU space of every coefficient in this package, and its labels in order.
AU_SPACE = "openface17"
AU_LABELS = get_space(AU_SPACE).labels

#: Protocols of the data set.
PROTOCOLS = ("same-subject", "cross-subject", "sweep")
#: Protocols of ``gath-bench synthfaces export``: the last has several scenes with random AUs per subject, for
#: verification.
EXPORT_PROTOCOLS = (*PROTOCOLS, "cross-scene")

#: Image sides in pixels that can be rendered.
MIN_SIZE, MAX_SIZE = 64, 512
#: User seeds are below this.
SEED_BITS = 26
MAX_SEED = 1 << SEED_BITS

__all__ = [
    "AU_LABELS",
    "AU_SPACE",
    "EXPORT_PROTOCOLS",
    "MAX_SEED",
    "MAX_SIZE",
    "MIN_SIZE",
    "PROTOCOLS",
    "VERSION",
]
