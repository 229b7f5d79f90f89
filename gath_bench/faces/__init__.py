"""Face geometry: named points and templates, aligned crops, and the way back into the full image.

Pure functions on tensors, for data sets, evaluators, ``animate`` and the demo. Detectors are plugins
(``gath_bench.contracts.FaceDetector``); this package only uses the faces that they return.

Conventions:

- Images are float32 (3, H, W), sRGB in [0, 1]. Coordinates are (x, y) in pixels; an integer coordinate is the centre
  of a pixel.
- A `SimilarityTransform` maps pixels of the aligned crop to pixels of the original image.
"""

from gath_bench.contracts.face import Template
from gath_bench.faces.align import (
    SimilarityTransform,
    align,
    align_all,
    between,
    crop_corners,
    estimate,
    extract,
)
from gath_bench.faces.framing import Framing
from gath_bench.faces.hull import hull_mask
from gath_bench.faces.paste import apply_edit, apply_to_crop, feather, paste_back
from gath_bench.faces.points import MIRROR, face_from_landmarks, named_points
from gath_bench.faces.templates import ARCFACE_112, SYNTHFACES, TEMPLATES

__all__ = [
    "ARCFACE_112",
    "MIRROR",
    "SYNTHFACES",
    "TEMPLATES",
    "Framing",
    "SimilarityTransform",
    "Template",
    "align",
    "align_all",
    "apply_edit",
    "apply_to_crop",
    "between",
    "crop_corners",
    "estimate",
    "extract",
    "face_from_landmarks",
    "feather",
    "hull_mask",
    "named_points",
    "paste_back",
]
