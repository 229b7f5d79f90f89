"""`synthfaces@1`: procedural portraits with exact AU truth. Importing this package does not import torch."""

from __future__ import annotations

#: Raised whenever a sample id draws other pixels; it is part of every key.
VERSION = 1

#: The AU space of every coefficient in this package, and its labels in order.
AU_SPACE = "openface17"
AU_LABELS = (
    "AU01", "AU02", "AU04", "AU05", "AU06", "AU07", "AU09", "AU10", "AU12",
    "AU14", "AU15", "AU17", "AU20", "AU23", "AU25", "AU26", "AU45",
)  # fmt: skip

__all__ = ["AU_LABELS", "AU_SPACE", "VERSION"]
