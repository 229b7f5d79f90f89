"""Toy data for the training of evaluators: identity and AUs are brightness values."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from gath_bench.contracts import LabelledBatch

AUS = 17


class ToyStream:
    """Grey images: the brightness of the upper half is the identity, rows of the lower half are the AUs."""

    fingerprint = "0123456789abcdef"

    def labelled(self, *, batch_size: int, seed: int, start: int = 0) -> Iterator[LabelledBatch]:
        step = start
        while True:
            g = torch.Generator().manual_seed(seed * 7919 + step)
            identity = torch.arange(batch_size) // 4 + step * (batch_size // 4)
            aus = torch.rand(batch_size, AUS, generator=g)
            images = torch.zeros(batch_size, 3, 64, 64)
            images[:, :, :28] = (identity % 16)[:, None, None, None] / 16
            images[:, :, 30:] = aus.repeat_interleave(2, 1)[:, None, :, None]
            yield LabelledBatch(images, identity, aus, "openface17")
            step += 1


class ToyContext:
    """The part of the command context that the training uses."""

    def make(self, kind: str, name: str) -> object:
        assert kind == "dataset"
        return _Adapter() if name.startswith("toy") else object()


class _Adapter(ToyStream):
    info = property(lambda self: None)

    def samples(self, *_: object) -> list[object]:
        return []

    def load(self, *_: object) -> None:
        return None


@pytest.fixture
def context() -> ToyContext:
    return ToyContext()
