"""AU spaces, the maps between them, the notation of expressions, emotion presets and AU time series.

All public names are here. Modules are imported on first use: listing the spaces imports no numpy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gath_bench.au.facs import ACTION_UNITS, REGIONS, ActionUnit, by_region
    from gath_bench.au.maps import MAPS, AUMap, apply, find_map
    from gath_bench.au.notation import aus_to_vector, format_aus, parse_aus, vector_to_aus
    from gath_bench.au.presets import PRESETS, Preset, get_preset, preset
    from gath_bench.au.readers import read_au_csv
    from gath_bench.au.series import AUSeries
    from gath_bench.au.spaces import DEFAULT_SPACE, SPACES, AUSpace, get_space, normalise_au
    from gath_bench.au.timeline import AUTimeline, make_timeline, relative_to_first, smooth

#: Public name -> the module of this package that defines it.
_MODULES = {
    "ACTION_UNITS": "facs",
    "DEFAULT_SPACE": "spaces",
    "MAPS": "maps",
    "PRESETS": "presets",
    "SPACES": "spaces",
    "REGIONS": "facs",
    "ActionUnit": "facs",
    "AUMap": "maps",
    "AUSeries": "series",
    "AUSpace": "spaces",
    "AUTimeline": "timeline",
    "Preset": "presets",
    "apply": "maps",
    "aus_to_vector": "notation",
    "by_region": "facs",
    "find_map": "maps",
    "format_aus": "notation",
    "get_preset": "presets",
    "get_space": "spaces",
    "make_timeline": "timeline",
    "normalise_au": "spaces",
    "parse_aus": "notation",
    "preset": "presets",
    "read_au_csv": "readers",
    "relative_to_first": "timeline",
    "smooth": "timeline",
    "vector_to_aus": "notation",
}

__all__ = [
    "ACTION_UNITS",
    "DEFAULT_SPACE",
    "MAPS",
    "PRESETS",
    "REGIONS",
    "SPACES",
    "AUMap",
    "AUSeries",
    "AUSpace",
    "AUTimeline",
    "ActionUnit",
    "Preset",
    "apply",
    "aus_to_vector",
    "by_region",
    "find_map",
    "format_aus",
    "get_preset",
    "get_space",
    "make_timeline",
    "normalise_au",
    "parse_aus",
    "preset",
    "read_au_csv",
    "relative_to_first",
    "smooth",
    "vector_to_aus",
]


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
