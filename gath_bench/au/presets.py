"""Emotion presets: EMFACS combinations of AUs as coefficients in [0, 1]."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from gath_bench.errors import UsageError, did_you_mean

#: The coefficient of an AU that EMFACS lists without an intensity letter: D, clearly visible and below the
#: maximum. The letter is our choice.
UNMARKED = 0.8

SOURCE = (
    "Friesen & Ekman, EMFACS-7: Emotional Facial Action Coding System, 1983 (unpublished manual); "
    "Ekman, Friesen & Hager, FACS Investigator's Guide, 2002"
)


@dataclass(frozen=True)
class Preset:
    """An emotion as a combination of AUs.

    Attributes:
        name: the emotion.
        aus: AU -> coefficient in [0, 1] at strength 1.
        formula: the combination as EMFACS writes it, with intensity letters and sides.
        notes: what the AU spaces cannot express of it, or which choice was made.
    """

    name: str
    aus: Mapping[str, float]
    formula: str
    notes: str = ""

    @property
    def max_strength(self) -> float:
        """The strength at which the strongest AU reaches 1; infinite for neutral."""
        return 1 / max(self.aus.values()) if self.aus else math.inf


def _preset(name: str, formula: str, aus: dict[str, float], notes: str = "") -> Preset:
    return Preset(name, MappingProxyType(aus), formula, notes)


def _unmarked(*numbers: int) -> dict[str, float]:
    return {f"AU{number:02d}": UNMARKED for number in numbers}


PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        item.name: item
        for item in (
            _preset("neutral", "0", {}),
            _preset("happiness", "6+12", _unmarked(6, 12)),
            _preset("sadness", "1+4+15", _unmarked(1, 4, 15)),
            _preset(
                "surprise",
                "1+2+5B+26",
                _unmarked(1, 2, 26) | {"AU05": 0.4},
                "AU05 is held at B: wider eyes read as fear.",
            ),
            _preset("fear", "1+2+4+5+7+20+26", _unmarked(1, 2, 4, 5, 7, 20, 26)),
            _preset("anger", "4+5+7+23", _unmarked(4, 5, 7, 23)),
            _preset(
                "disgust",
                "9+15+17",
                _unmarked(9, 15, 17),
                "Tables in print also give 9+15+16 and 10+17; no FACS space here has AU16.",
            ),
            _preset(
                "contempt",
                "R12A+R14A",
                {"AU12": 0.2, "AU14": 0.2},
                "Contempt is one-sided (R) and a trace (A); AU spaces without sides make it a "
                "faint two-sided smirk, which is weaker evidence of contempt.",
            ),
        )
    }
)


def get_preset(name: str) -> Preset:
    """The preset of that name.

    Raises:
        UsageError: there is no such preset; the message suggests similar names.
    """
    if name not in PRESETS:
        raise UsageError(f"unknown emotion preset {name!r}: {did_you_mean(name, PRESETS)}")
    return PRESETS[name]


def preset(name: str, strength: float = 1.0) -> dict[str, float]:
    """The AUs of an emotion: AU -> coefficient in [0, 1].

    Args:
        name: one of `PRESETS`.
        strength: a factor on every coefficient, from 0 up to the preset's ``max_strength``.

    >>> preset("happiness", strength=0.5)
    {'AU06': 0.4, 'AU12': 0.4}

    Raises:
        UsageError: the name is unknown, or the strength gives a coefficient above 1.
    """
    found = get_preset(name)
    if not (math.isfinite(strength) and 0 <= strength <= found.max_strength):
        raise UsageError(
            f"the strength of {name} is {strength!r}: give a number from 0 to "
            f"{found.max_strength:g}, above which an AU would exceed 1."
        )
    return {label: min(value * strength, 1.0) for label, value in found.aus.items()}
