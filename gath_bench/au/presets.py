"""Emotion presets: EMFACS combinations of AUs on the FACS 0-5 scale."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from gath_bench.au.named import FACS_MAX
from gath_bench.errors import UsageError, did_you_mean

#: The intensity of an AU that EMFACS lists without a letter. The letter is our choice: D is plain
#: to see and leaves room above.
UNMARKED = 4.0

SOURCE = (
    "Friesen & Ekman, EMFACS-7: Emotional Facial Action Coding System, 1983 (unpublished manual); "
    "Ekman, Friesen & Hager, FACS Investigator's Guide, 2002"
)


@dataclass(frozen=True)
class Preset:
    """An emotion as AUs.

    Attributes:
        name: the emotion.
        named: AU -> FACS intensity in [0, 5] at strength 1.
        formula: the combination as EMFACS writes it, with intensity letters and sides.
        notes: what the AU spaces here cannot say of it, or what was chosen.
    """

    name: str
    named: Mapping[str, float]
    formula: str
    notes: str = ""

    @property
    def max_strength(self) -> float:
        """The strength at which the strongest AU reaches 5; infinite for neutral."""
        return FACS_MAX / max(self.named.values()) if self.named else math.inf


def _preset(name: str, formula: str, named: dict[str, float], notes: str = "") -> Preset:
    return Preset(name, MappingProxyType(named), formula, notes)


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
                _unmarked(1, 2, 26) | {"AU05": 2.0},
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
                {"AU12": 1.0, "AU14": 1.0},
                "Contempt is one-sided (R) and a trace (A); AU spaces without sides make it a "
                "faint two-sided smirk, which is weaker evidence of contempt.",
            ),
        )
    }
)


def get_preset(name: str) -> Preset:
    """The preset of that name.

    Raises:
        UsageError: there is no such preset; the sentence suggests the nearest names.
    """
    if name not in PRESETS:
        raise UsageError(f"unknown emotion preset {name!r}: {did_you_mean(name, PRESETS)}")
    return PRESETS[name]


def preset(name: str, strength: float = 1.0) -> dict[str, float]:
    """The AUs of an emotion: AU -> FACS intensity in [0, 5], for `from_named`.

    Args:
        name: one of `PRESETS`.
        strength: a factor on every intensity, from 0 up to the preset's ``max_strength``.

    >>> preset("happiness", strength=0.5)
    {'AU06': 2.0, 'AU12': 2.0}

    Raises:
        UsageError: the name is unknown, or the strength would leave the FACS scale.
    """
    found = get_preset(name)
    if not (math.isfinite(strength) and 0 <= strength <= found.max_strength):
        raise UsageError(
            f"the strength of {name} is {strength!r}: give a number from 0 to "
            f"{found.max_strength:g}, above which an AU would pass 5."
        )
    return {label: min(value * strength, FACS_MAX) for label, value in found.named.items()}
