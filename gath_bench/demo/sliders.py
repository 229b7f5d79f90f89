"""From the demo's sliders, one per AU, to expressions and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from gath_bench.animation.model import PhotoModel
from gath_bench.au import DEFAULT_SPACE, apply, find_map, format_aus, get_preset, get_space

if TYPE_CHECKING:
    from torch import Tensor

#: The AUs of the sliders. The expression is mapped to the AU space of the model.
SPACE = get_space(DEFAULT_SPACE)


def slider_values(values: Sequence[float]) -> dict[str, float]:
    """The values of the sliders, in the order of `SPACE`, by AU."""
    return dict(zip(SPACE.labels, map(float, values), strict=True))


def expression_text(aus: Mapping[str, float]) -> str:
    """An expression in the notation of ``--aus``; AUs at 0 are left out.

    >>> expression_text({"AU06": 0.0, "AU12": 0.8}), expression_text({"AU06": 0.0})
    ('AU12=0.8', 'neutral')
    """
    return format_aus({label: value for label, value in aus.items() if value > 0}) or "neutral"


def preset_aus(name: str, own: Mapping[str, float] | None = None) -> dict[str, float]:
    """The sliders of a preset.

    Args:
        name: one of `gath_bench.au.PRESETS`.
        own: AUs of the portrait to which the preset is added; None sets the other AUs to 0.

    Returns:
        AU -> coefficient in [0, 1], of every AU of `SPACE`.
    """
    base, added = own or {}, get_preset(name).aus
    return {label: min(1.0, base.get(label, 0.0) + added.get(label, 0.0)) for label in SPACE.labels}


def on_sliders(own: Tensor, model: PhotoModel) -> dict[str, float]:
    """AUs of the model's space (K,) as values of the sliders; AUs that it does not have are 0."""
    import torch

    mapped = torch.as_tensor(apply(find_map(model.space.name, SPACE.name), own[None]))[0]
    return {
        label: round(value, 2)
        for label, value in zip(SPACE.labels, torch.nan_to_num(mapped).clamp(0, 1).tolist(), strict=True)
    }
