"""Counter-based random numbers: a value is a hash of (seed, name).

There is no generator state, so a subject or a scene does not depend on batch size, position, order or device.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache

import torch
from torch import Tensor

_GOLDEN = -0x61C8864680B583EB  # 0x9E3779B97F4A7C15 as a signed 64-bit number
_MIX_1 = -0x40A7B892E31B1A47  # 0xBF58476D1CE4E5B9
_MIX_2 = -0x6B2FB644ECCEEE15  # 0x94D049BB133111EB


def _shift_right(x: Tensor, bits: int) -> Tensor:
    """Logical (unsigned) right shift of int64."""
    return (x >> bits) & ((1 << (64 - bits)) - 1)


def mix64(x: Tensor) -> Tensor:
    """The finaliser of SplitMix64 (Steele, Lea & Flood 2014) on int64, any shape; wraps like uint64."""
    x = x + _GOLDEN
    x = (x ^ _shift_right(x, 30)) * _MIX_1
    x = (x ^ _shift_right(x, 27)) * _MIX_2
    return x ^ _shift_right(x, 31)


@lru_cache(maxsize=4096)
def name_code(name: str) -> int:
    """A signed 64-bit number for a name, equal on all machines."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)


def derive(seeds: Tensor, *keys: int | str) -> Tensor:
    """New 63-bit seeds from seeds and keys: int64 (B,) in [0, 2**63)."""
    for key in keys:
        code = name_code(key) if isinstance(key, str) else key
        seeds = mix64(seeds ^ mix64(torch.tensor(code, dtype=torch.int64, device=seeds.device)))
    return seeds & 0x7FFF_FFFF_FFFF_FFFF


class Draws:
    """Named random numbers for B seeds, in float64 on the seeds' device.

    >>> a = Draws(torch.tensor([7, 8])).uniform("jaw")
    >>> b = Draws(torch.tensor([8])).uniform("jaw")
    >>> bool(a[1] == b[0])
    True
    """

    def __init__(self, seeds: Tensor) -> None:
        self.seeds = seeds
        self._mixed = mix64(seeds)

    def uniform(self, name: str, low: float = 0.0, high: float = 1.0) -> Tensor:
        """U(low, high), float64 (B,)."""
        bits = _shift_right(mix64(self._mixed ^ name_code(name)), 11)
        return (bits.double() + 0.5) * (2.0**-53 * (high - low)) + low

    def normal(self, name: str, mean: float = 0.0, sd: float = 1.0) -> Tensor:
        """A normal distribution, truncated at two standard deviations, float64 (B,)."""
        unit: Tensor = torch.special.ndtri(self.uniform(name, 0.02275, 0.97725))
        return unit * sd + mean

    def chance(self, name: str, p: float | Tensor) -> Tensor:
        """1.0 with probability p, else 0.0; float64 (B,)."""
        return (self.uniform(name) < p).double()

    def choice(self, name: str, weights: Tensor | Sequence[float]) -> Tensor:
        """An index with the given weights, (N,) or (B, N); int64 (B,)."""
        w = torch.as_tensor(weights, dtype=torch.float64, device=self.seeds.device)
        edges = (w / w.sum(-1, keepdim=True)).cumsum(-1)
        index = (self.uniform(name)[:, None] >= edges).sum(-1)
        return index.clamp(max=w.shape[-1] - 1)
