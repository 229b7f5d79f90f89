"""Names of action units, as the Facial Action Coding System gives them, and the region of the face that each moves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

#: Regions of the face, from top to bottom.
REGIONS = ("Brows", "Eyes", "Cheeks and nose", "Mouth", "Chin and jaw")


@dataclass(frozen=True)
class ActionUnit:
    """An action unit.

    Attributes:
        label: ``AU`` and two digits.
        name: its name in the FACS manual.
        region: one of `REGIONS`, by what visibly moves.
    """

    label: str
    name: str
    region: str


def _units(region: str, names: Mapping[int, str]) -> tuple[ActionUnit, ...]:
    return tuple(ActionUnit(f"AU{number:02d}", name, region) for number, name in names.items())


_BROWS = {1: "Inner Brow Raiser", 2: "Outer Brow Raiser", 4: "Brow Lowerer"}
_EYES = {5: "Upper Lid Raiser", 7: "Lid Tightener", 43: "Eyes Closed", 45: "Blink"}
_MIDDLE = {6: "Cheek Raiser", 9: "Nose Wrinkler", 11: "Nasolabial Deepener"}
_MOUTH = {
    10: "Upper Lip Raiser",
    12: "Lip Corner Puller",
    14: "Dimpler",
    15: "Lip Corner Depressor",
    20: "Lip Stretcher",
    23: "Lip Tightener",
    24: "Lip Pressor",
    25: "Lips Part",
    28: "Lip Suck",
}
_JAW = {17: "Chin Raiser", 26: "Jaw Drop"}

#: Label -> action unit, of every AU in the AU spaces here, grouped by region (Ekman, Friesen & Hager, Facial Action
#: Coding System, 2002).
ACTION_UNITS: Mapping[str, ActionUnit] = MappingProxyType(
    {
        unit.label: unit
        for region, names in zip(REGIONS, (_BROWS, _EYES, _MIDDLE, _MOUTH, _JAW), strict=True)
        for unit in _units(region, names)
    }
)


def by_region(labels: Sequence[str]) -> dict[str, tuple[ActionUnit, ...]]:
    """The action units of some labels, grouped by region from top to bottom.

    >>> {region: [unit.label for unit in units] for region, units in by_region(["AU12", "AU01"]).items()}
    {'Brows': ['AU01'], 'Mouth': ['AU12']}

    Raises:
        KeyError: a label is not a known action unit.
    """
    units = [ACTION_UNITS[label] for label in sorted(labels)]
    groups = {region: tuple(unit for unit in units if unit.region == region) for region in REGIONS}
    return {region: group for region, group in groups.items() if group}
