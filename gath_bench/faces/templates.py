"""Templates: where a model, an evaluator or a data set expects the parts of a face."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Template:
    """Named points at pixel positions of a square image.

    Attributes:
        name: how messages and manifests call it.
        size: side of the image, in pixels.
        points: name (see ``gath_bench.faces.points.POINTS``) -> (x, y) in pixels.
    """

    name: str
    size: int
    points: Mapping[str, tuple[float, float]]

    def at(self, size: int) -> dict[str, tuple[float, float]]:
        """The points for an image of another side.

        >>> Template("t", 4, {"mouth": (1.5, 1.5)}).at(8)
        {'mouth': (3.5, 3.5)}
        """
        factor = size / self.size
        # Pixel centres lie at integers, so that the image begins at -0.5.
        return {
            name: ((x + 0.5) * factor - 0.5, (y + 0.5) * factor - 0.5) for name, (x, y) in self.points.items()
        }


#: The framing of synthfaces portraits: means over neutral portraits.
SYNTHFACES = Template(
    "synthfaces",
    128,
    {"left_eye": (51.3, 55.1), "right_eye": (81.3, 55.8), "nose_base": (65.8, 81.7), "mouth": (65.6, 92.5)},
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
