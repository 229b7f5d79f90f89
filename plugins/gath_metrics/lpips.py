"""lpips: learned perceptual distance to the target image, as the ``lpips`` package v0.1 computes it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from gath_bench.contracts import (
    Batch,
    ComponentName,
    Evaluations,
    Features,
    Measured,
    MetricInfo,
    RoleRequest,
    Summary,
    file_hash,
)
from gath_bench.errors import Unavailable

#: Trunks with published heads, and the SHA-256 of their head files in version 0.1.
HEADS = {
    "alex": "df73285e35b22355a2df87cdb6b70b343713b667eddbda73e1977e0c860835c0",
    "squeeze": "4a5350f23600cb79923ce65bb07cbf57dca461329894153e05a1346bd531cf76",
    "vgg": "a78928a0af1e5f0fcb1f3b9e8f8c3a2a5a3de244d830ad5c1feddc79b8432868",
}
#: Avoids division by zero, as in the package.
_EPSILON = 1e-10


def perceptual_distance(
    a: Sequence[Tensor], b: Sequence[Tensor], heads: Sequence[Tensor] | None = None
) -> Tensor:
    """LPIPS distance between two batches of feature maps.

    ``d = Σ_l mean_hw Σ_c w_lc (â_lchw - b̂_lchw)²``, features scaled to unit length over the channels of each
    position. Source: Zhang, Isola, Efros, Shechtman and Wang, The Unreasonable Effectiveness of Deep Features
    as a Perceptual Metric, CVPR 2018. With the same feature maps and heads it equals ``lpips.LPIPS``
    exactly; without heads it equals ``lpips.LPIPS(lpips=False)``.

    Args:
        a: feature maps, one (B, C_l, h_l, w_l) per layer.
        b: the same shapes.
        heads: one (1, C_l, 1, 1) per layer; None for weights of 1.

    Returns:
        float32 (B,), at least 0; 0 for equal features.

    >>> import torch
    >>> left, right = torch.tensor([[[[2.0]], [[0.0]]]]), torch.tensor([[[[0.0]], [[3.0]]]])
    >>> perceptual_distance([left], [right]).tolist()
    [2.0]
    """
    total: Tensor | None = None
    for layer, (x, y) in enumerate(zip(a, b, strict=True)):
        squares = (_unit(x) - _unit(y)) ** 2
        weighted = squares.sum(1, keepdim=True) if heads is None else F.conv2d(squares, heads[layer])
        distance = weighted.mean([2, 3], keepdim=True)
        total = distance if total is None else total + distance
    if total is None:
        raise ValueError("there are no feature maps to compare")
    return total.flatten()


def _unit(features: Tensor) -> Tensor:
    length = torch.sqrt(torch.sum(features**2, dim=1, keepdim=True))
    return features / (length + _EPSILON)


@cache
def published_heads(trunk: str) -> tuple[Tensor, ...]:
    """The heads of version 0.1 for a trunk, read from the installed ``lpips`` package without importing it.

    Raises:
        Unavailable: the package is missing, or the SHA-256 of its heads is not that of version 0.1.
    """
    package = find_spec("lpips")
    if package is None or not package.submodule_search_locations:
        raise Unavailable("needs the package 'lpips' for the heads: pip install lpips")
    path = Path(package.submodule_search_locations[0], "weights", "v0.1", f"{trunk}.pth")
    if not path.is_file() or file_hash(path) != HEADS[trunk]:
        raise Unavailable(
            f"the heads weights/v0.1/{trunk}.pth of the package 'lpips' are not those of version 0.1: "
            "pip install --force-reinstall lpips"
        )
    state = torch.load(path, map_location="cpu", weights_only=True)
    return tuple(state[f"lin{layer}.model.1.weight"] for layer in range(len(state)))


class LPIPS:
    """The metric ``lpips``."""

    def __init__(self, *, trunk: str = "synthfaces") -> None:
        """Args:
        trunk: component name of the perceptual trunk. ``alex``, ``vgg`` and ``squeeze`` use the heads of version
            0.1; any other trunk, such as the bundled ``synthfaces``, has weights of 1.
        """
        self.trunk = trunk
        published = ComponentName.parse(trunk).name in HEADS
        evaluator = "" if published else f"{trunk} trunk"
        self.info = MetricInfo(
            summaries=(Summary("lpips", direction="lower", low=0.0, evaluator=evaluator),),
            needs=frozenset({"target"}),
            roles=(RoleRequest("perceptual_trunk", trunk),),
            display="{:.4f}",
        )

    def measure(self, generated: Tensor, batch: Batch, evaluations: Evaluations) -> Sequence[Measured]:
        """The perceptual distance between generated and target images."""
        generated_maps = evaluations.features("perceptual_trunk", "generated")
        target = evaluations.features("perceptual_trunk", "target")
        a, b = _maps(generated_maps), _maps(target)
        name = ComponentName.parse(self.trunk).name
        heads = published_heads(name) if name in HEADS else None
        if heads is not None:
            heads = tuple(head.to(a[0].device) for head in heads)
        missing = {**target.missing, **generated_maps.missing}
        return [Measured("lpips", perceptual_distance(a, b, heads), missing=missing)]


def _maps(features: Features) -> tuple[Tensor, ...]:
    return (features.values,) if isinstance(features.values, Tensor) else features.values
