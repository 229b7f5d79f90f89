"""Templates: where a model, an evaluator or a data set expects the parts of a face."""

from __future__ import annotations

from collections.abc import Mapping

from gath_bench.contracts.face import Template

#: The framing of synthfaces portraits: means of the exact landmarks over 256 neutral portraits.
SYNTHFACES = Template(
    "synthfaces",
    128,
    {"left_eye": (48.3, 55.4), "right_eye": (79.0, 55.4), "mouth": (63.5, 92.3)},
)
#: The five points that ArcFace and most identity encoders since are trained on, at 112 pixels.
#: Source: Deng et al., ArcFace: Additive Angular Margin Loss for Deep Face Recognition, CVPR 2019.
ARCFACE_112 = Template(
    "arcface",
    112,
    {
        "left_eye": (38.29, 51.70),
        "right_eye": (73.53, 51.50),
        "nose_tip": (56.03, 71.74),
        "left_mouth": (41.55, 92.37),
        "right_mouth": (70.73, 92.20),
    },
)
#: Name -> template.
TEMPLATES: Mapping[str, Template] = {t.name: t for t in (SYNTHFACES, ARCFACE_112)}
