"""Batches of named parameters that are sampled from seeds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor


@dataclass(frozen=True)
class ParameterBatch:
    """Parameters of B subjects or scenes.

    Attributes:
        seeds: int64 (B,); all parameters are functions of the seed.
        values: parameter name -> float32 (B,), colours float32 (B, 3), categories int64 (B,).
    """

    seeds: Tensor
    values: dict[str, Tensor]

    @classmethod
    def of(cls, seeds: Tensor, values: dict[str, Tensor]) -> Self:
        """Parameters on the device of the seeds, with floating-point values in float32."""
        floats = {k: v if v.dtype == torch.int64 else v.float() for k, v in values.items()}
        return cls(seeds, floats).to(seeds.device)

    def __getitem__(self, name: str) -> Tensor:
        return self.values[name]

    def __len__(self) -> int:
        return len(self.seeds)

    def select(self, index: Tensor | slice) -> Self:
        """A subset, by position."""
        return type(self)(self.seeds[index], {name: value[index] for name, value in self.values.items()})

    def to(self, device: torch.device | str) -> Self:
        """The same parameters on another device."""
        return type(self)(
            self.seeds.to(device), {name: value.to(device) for name, value in self.values.items()}
        )
