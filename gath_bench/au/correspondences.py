"""Correspondences between the coefficients of AU spaces: the tables of the maps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from gath_bench.au.spaces import get_space

_FACS = "Ekman, Friesen & Hager, Facial Action Coding System: The Manual, 2002"
_ARKIT = f"Apple, ARKit, ARFaceAnchor.BlendShapeLocation; {_FACS}"


@dataclass(frozen=True)
class Correspondence:
    """A map in sparse form.

    Attributes:
        weights: target label -> {source label: weight}; target labels without an entry are uncovered.
        notes: what is dropped, merged or approximated.
        citation: source of the correspondences.
        approximate: target labels computed from a similar action, since the source does not have the same one.
        lossless: whether the inverse map returns the source; a test checks this.
    """

    weights: Mapping[str, Mapping[str, float]]
    notes: str
    citation: str
    approximate: tuple[str, ...] = ()
    lossless: bool = False


def _shared(source: str, target: str) -> dict[str, dict[str, float]]:
    both = set(get_space(source).labels) & set(get_space(target).labels)
    return {label: {label: 1.0} for label in get_space(target).labels if label in both}


def _mean(name: str) -> dict[str, float]:
    return {f"{name}Left": 0.5, f"{name}Right": 0.5}


#: FACS action unit -> the corresponding ARKit blendshape with a left and a right side.
_PAIRED = {
    "AU02": "browOuterUp",
    "AU04": "browDown",
    "AU05": "eyeWide",
    "AU06": "cheekSquint",
    "AU07": "eyeSquint",
    "AU09": "noseSneer",
    "AU10": "mouthUpperUp",
    "AU12": "mouthSmile",
    "AU14": "mouthDimple",
    "AU15": "mouthFrown",
    "AU20": "mouthStretch",
    "AU23": "mouthPress",
    "AU45": "eyeBlink",
}

#: FACS action unit -> the corresponding ARKit blendshape without sides.
_SINGLE = {"AU01": "browInnerUp", "AU17": "mouthShrugLower", "AU26": "jawOpen"}

_ARKIT_TO_OPENFACE = Correspondence(
    weights={au: _mean(name) for au, name in _PAIRED.items()}
    | {au: {name: 1.0} for au, name in _SINGLE.items()}
    # mouthClose is relative to an open jaw: it compensates the parting by jawOpen.
    | {"AU25": {"jawOpen": 1.0, "mouthClose": -1.0, **_mean("mouthLowerDown")}},
    approximate=("AU23", "AU25"),
    notes=(
        "Left and right are averaged: asymmetry is lost. AU23 (lip tightener) takes mouthPress, "
        "which is AU24 (lip presser): ARKit has no AU23. AU25 (lips part) is jawOpen - mouthClose "
        "+ mouthLowerDown. Gaze, cheek puff, sideways and forward jaw and mouth, funnel, pucker, "
        "roll, upper shrug and _neutral are dropped. Blendshape weights are not calibrated to FACS "
        "intensity: the numbers are carried over as they are."
    ),
    citation=_ARKIT,
)

_OPENFACE_TO_ARKIT = Correspondence(
    weights={f"{name}{side}": {au: 1.0} for au, name in _PAIRED.items() for side in ("Left", "Right")}
    | {name: {au: 1.0} for au, name in _SINGLE.items()}
    | {
        "mouthClose": {"AU26": 1.0, "AU25": -1.0},
        "mouthLowerDownLeft": {"AU25": 1.0, "AU26": -1.0},
        "mouthLowerDownRight": {"AU25": 1.0, "AU26": -1.0},
    },
    approximate=(
        "mouthPressLeft",
        "mouthPressRight",
        "mouthClose",
        "mouthLowerDownLeft",
        "mouthLowerDownRight",
    ),
    notes=(
        "Both sides get the same value. AU23 drives mouthPress. A jaw drop beyond the parting of "
        "the lips (AU26 > AU25) is mouthClose, a parting beyond the jaw drop is mouthLowerDown; "
        "the way back to openface17 returns the same coefficients. Gaze, cheek puff, sideways and "
        "forward jaw and mouth, funnel, pucker, roll, upper shrug and _neutral stay uncovered."
    ),
    citation=_ARKIT,
    lossless=True,
)

_PYFEAT_NOTE = (
    "AU45 (blink) and AU43 (eyes closed) differ in duration only, which a still does not show. "
    "py-feat gives probabilities and openface17 intensities: the numbers are carried over as they "
    "are, so their order means something and their difference does not."
)

#: Every map that is not an identity, by (source, target).
TABLES: Mapping[tuple[str, str], Correspondence] = MappingProxyType(
    {
        ("openface17", "disfa12"): Correspondence(
            _shared("openface17", "disfa12"),
            notes="The same scale; AU07, AU10, AU14, AU23 and AU45 are dropped.",
            citation=_FACS,
        ),
        ("disfa12", "openface17"): Correspondence(
            _shared("disfa12", "openface17"),
            notes="The same scale; AU07, AU10, AU14, AU23 and AU45 are uncovered.",
            citation=_FACS,
            lossless=True,
        ),
        ("openface17", "pyfeat20"): Correspondence(
            _shared("openface17", "pyfeat20") | {"AU43": {"AU45": 1.0}},
            notes=f"AU11, AU24 and AU28 are uncovered. {_PYFEAT_NOTE}",
            citation=_FACS,
            approximate=("AU43",),
            lossless=True,
        ),
        ("pyfeat20", "openface17"): Correspondence(
            _shared("pyfeat20", "openface17") | {"AU45": {"AU43": 1.0}},
            notes=f"AU11, AU24 and AU28 are dropped. {_PYFEAT_NOTE}",
            citation=_FACS,
            approximate=("AU45",),
        ),
        ("arkit52", "openface17"): _ARKIT_TO_OPENFACE,
        ("openface17", "arkit52"): _OPENFACE_TO_ARKIT,
    }
)
