"""AU spaces: order and scale of AU coefficients."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from gath_bench.errors import UsageError, did_you_mean

_AU = re.compile(r"^(?:AU[ _-]*)?0*(?P<number>\d{1,2})(?:_[rc])?$", re.IGNORECASE)


@dataclass(frozen=True)
class AUSpace:
    """An ordered list of coefficients, each in [0, 1].

    Attributes:
        name: its name in suite files, models and data sets.
        labels: K names, in the order of the last axis of a ``(..., K)`` array.
        intensity_max: the value of the tool that is coefficient 1: 5 for FACS intensities (A-E as
            1-5), 1 for blendshape weights and probabilities.
        summary: one line for ``gath-bench list au-spaces``.
        source: reference that defines order and scale.
    """

    name: str
    labels: tuple[str, ...]
    intensity_max: float
    summary: str
    source: str

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def is_facs(self) -> bool:
        """Whether all labels are FACS action units."""
        return all(label.startswith("AU") for label in self.labels)

    def index(self, label: str) -> int:
        """The position of a label; FACS labels in any spelling that `normalise_au` accepts.

        >>> SPACES["openface17"].index("au 12")
        8

        Raises:
            UsageError: the space does not have the label.
        """
        wanted = normalise_au(label) if self.is_facs else label
        if wanted not in self.labels:
            raise UsageError(f"AU space {self.name} has no {wanted}: {did_you_mean(wanted, self.labels)}")
        return self.labels.index(wanted)


def _facs(*numbers: int) -> tuple[str, ...]:
    return tuple(f"AU{number:02d}" for number in numbers)


_OPENFACE17 = AUSpace(
    name="openface17",
    labels=_facs(1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 25, 26, 45),
    intensity_max=5.0,
    summary="17 FACS intensities of OpenFace 2 (AUxx_r), divided by 5; the default",
    source="Baltrusaitis, Zadeh, Lim & Morency, OpenFace 2.0, FG 2018; columns AU01_r ... AU45_r",
)

_FACEWAREHOUSE46 = AUSpace(
    name="facewarehouse46",
    labels=tuple(f"FW{number:02d}" for number in range(1, 47)),
    intensity_max=1.0,
    summary="46 blendshape weights of the GATH authors' code family; names not published",
    source=(
        "Pham, Wang & Pavlovic, end2end_AU_speech (ICMI 2018): calc_shape in src/ShapeUtils2.py "
        "adds 46 weighted offsets to a neutral face; blendshapes of the kind of Cao et al., "
        "FaceWarehouse, TVCG 2014. Count and range are public; what each index moves is not: the "
        "basis file baseshapes.npy was never released"
    ),
)

_ARKIT52 = AUSpace(
    name="arkit52",
    labels=(
        "_neutral",
        "browDownLeft",
        "browDownRight",
        "browInnerUp",
        "browOuterUpLeft",
        "browOuterUpRight",
        "cheekPuff",
        "cheekSquintLeft",
        "cheekSquintRight",
        "eyeBlinkLeft",
        "eyeBlinkRight",
        "eyeLookDownLeft",
        "eyeLookDownRight",
        "eyeLookInLeft",
        "eyeLookInRight",
        "eyeLookOutLeft",
        "eyeLookOutRight",
        "eyeLookUpLeft",
        "eyeLookUpRight",
        "eyeSquintLeft",
        "eyeSquintRight",
        "eyeWideLeft",
        "eyeWideRight",
        "jawForward",
        "jawLeft",
        "jawOpen",
        "jawRight",
        "mouthClose",
        "mouthDimpleLeft",
        "mouthDimpleRight",
        "mouthFrownLeft",
        "mouthFrownRight",
        "mouthFunnel",
        "mouthLeft",
        "mouthLowerDownLeft",
        "mouthLowerDownRight",
        "mouthPressLeft",
        "mouthPressRight",
        "mouthPucker",
        "mouthRight",
        "mouthRollLower",
        "mouthRollUpper",
        "mouthShrugLower",
        "mouthShrugUpper",
        "mouthSmileLeft",
        "mouthSmileRight",
        "mouthStretchLeft",
        "mouthStretchRight",
        "mouthUpperUpLeft",
        "mouthUpperUpRight",
        "noseSneerLeft",
        "noseSneerRight",
    ),
    intensity_max=1.0,
    summary="52 scores of MediaPipe Face Landmarker: _neutral, then 51 ARKit names, no tongueOut",
    source=(
        "MediaPipe, testdata portrait_expected_blendshapes.pbtxt (the order); "
        "Apple, ARKit, ARFaceAnchor.BlendShapeLocation (the names)"
    ),
)

_DISFA12 = AUSpace(
    name="disfa12",
    labels=_facs(1, 2, 4, 5, 6, 9, 12, 15, 17, 20, 25, 26),
    intensity_max=5.0,
    summary="12 FACS intensities that DISFA's coders labelled, divided by 5",
    source=(
        "Mavadati, Mahoor, Bartlett, Trinh & Cohn, DISFA: A Spontaneous Facial Action Intensity "
        "Database, IEEE Transactions on Affective Computing 2013"
    ),
)

_PYFEAT20 = AUSpace(
    name="pyfeat20",
    labels=_facs(1, 2, 4, 5, 6, 7, 9, 10, 11, 12, 14, 15, 17, 20, 23, 24, 25, 26, 28, 43),
    intensity_max=1.0,
    summary="20 AU probabilities of py-feat v1: probability of presence, not intensity",
    source="Cheong et al., Py-Feat: Python Facial Expression Analysis Toolbox, 2023",
)

DEFAULT_SPACE = "openface17"
SPACES: Mapping[str, AUSpace] = MappingProxyType(
    {space.name: space for space in (_OPENFACE17, _FACEWAREHOUSE46, _ARKIT52, _DISFA12, _PYFEAT20)}
)


def get_space(name: str) -> AUSpace:
    """The AU space of that name.

    >>> len(get_space("arkit52"))
    52

    Raises:
        UsageError: there is no such space; the message suggests similar names.
    """
    if name not in SPACES:
        raise UsageError(f"unknown AU space {name!r}: {did_you_mean(name, SPACES)}")
    return SPACES[name]


def normalise_au(text: str) -> str:
    """The canonical spelling of an action unit: ``AU`` and two digits.

    >>> [normalise_au(text) for text in ("au 12", "12", "AU12_r", "AU1", "'AU 1'")]
    ['AU12', 'AU12', 'AU12', 'AU01', 'AU01']

    Raises:
        UsageError: the text is not an action unit.
    """
    match = _AU.match(text.strip(" \t'\""))
    if match is None:
        raise UsageError(f"{text!r} is not an action unit: write AU12, for example.")
    return f"AU{int(match['number']):02d}"
