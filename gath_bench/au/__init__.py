"""AU spaces, the maps between them, named AUs, emotion presets and AU time series.

Everything public is here and nothing is imported before it is asked for: naming the spaces costs
neither numpy nor a file.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gath_bench.au.maps import MAPS, AUMap, apply, find_map
    from gath_bench.au.named import from_named, parse_named, to_named
    from gath_bench.au.presets import PRESETS, Preset, get_preset, preset
    from gath_bench.au.readers import read_au_csv
    from gath_bench.au.series import AUSeries
    from gath_bench.au.spaces import DEFAULT_SPACE, SPACES, AUSpace, get_space, normalise_au

_HOME = {
    "DEFAULT_SPACE": "spaces",
    "MAPS": "maps",
    "PRESETS": "presets",
    "SPACES": "spaces",
    "AUMap": "maps",
    "AUSeries": "series",
    "AUSpace": "spaces",
    "Preset": "presets",
    "apply": "maps",
    "find_map": "maps",
    "from_named": "named",
    "get_preset": "presets",
    "get_space": "spaces",
    "normalise_au": "spaces",
    "parse_named": "named",
    "preset": "presets",
    "read_au_csv": "readers",
    "to_named": "named",
}

__all__ = [
    "DEFAULT_SPACE",
    "MAPS",
    "PRESETS",
    "SPACES",
    "AUMap",
    "AUSeries",
    "AUSpace",
    "Preset",
    "apply",
    "find_map",
    "from_named",
    "get_preset",
    "get_space",
    "normalise_au",
    "parse_named",
    "preset",
    "read_au_csv",
    "to_named",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
