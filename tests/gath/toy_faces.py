"""A data set of coloured squares with all training streams, so that trainings need no renderer.

A person is a colour, an AU is the brightness of a stripe. Loaded by ``--plugin toy_faces`` with this folder on the
path.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from gath_bench import hookimpl
from gath_bench.au import SPACES
from gath_bench.contracts import (
    Batch,
    ClipsBatch,
    DatasetInfo,
    DatasetSpec,
    FramesBatch,
    Sample,
    StillsBatch,
    fingerprint,
)

SIDE = 64
#: People of the stills, and of the frames after them.
IDENTITIES, FRAMED = 8, 8


def draw(people: Tensor, aus: Tensor) -> Tensor:
    """(B,) people and (B, K) AUs -> (B, 3, 64, 64)."""
    shades = torch.stack([people * 7 % 16, people * 5 % 16, people * 3 % 16], 1) / 16
    images = shades[:, :, None, None].expand(-1, -1, SIDE, SIDE).clone()
    stripes = torch.nn.functional.interpolate(aus[:, None], SIDE)[:, 0]
    images[:, :, 24:40] = (images[:, :, 24:40] + stripes[:, None, None]) / 2
    return images


class ToyFaces:
    """The adapter. Its numbers follow from (stream, seed, step) alone."""

    def __init__(self, *, au_space: str = "openface17", labelled_by: str = "") -> None:
        self.au_space, self.labelled_by = au_space, labelled_by

    @property
    def info(self) -> DatasetInfo:
        return DatasetInfo(
            au_space=self.au_space,
            resolution=SIDE,
            domain="synthetic",
            protocols=("same-subject",),
            splits=("test", "val"),
            licence="none needed",
            has_target=True,
            labelled_by=(self.labelled_by,) if self.labelled_by else (),
        )

    @property
    def fingerprint(self) -> str:
        return fingerprint("toy-faces", self.au_space)

    def identities(self) -> int:
        return IDENTITIES

    def stills(self, *, batch_size: int, seed: int, start: int = 0) -> Iterator[StillsBatch]:
        while True:
            people, aus = self._draw(batch_size, "stills", seed, start)
            yield StillsBatch(draw(people, aus), people)
            start += 1

    def frames(self, *, batch_size: int, seed: int, start: int = 0) -> Iterator[FramesBatch]:
        while True:
            people, aus = self._draw(batch_size, "frames", seed, start)
            yield FramesBatch(draw(people + IDENTITIES, aus), aus, self.au_space)
            start += 1

    def clips(self, *, batch_size: int, seed: int, start: int = 0) -> Iterator[ClipsBatch]:
        while True:
            people, source_aus = self._draw(batch_size, "clips", seed, start)
            people, target_aus = people + IDENTITIES + FRAMED, 1 - source_aus
            source, target = draw(people, source_aus), draw(people, target_aus)
            yield ClipsBatch(source, source_aus, target, target_aus, self.au_space)
            start += 1

    def _draw(self, count: int, name: str, seed: int, step: int) -> tuple[Tensor, Tensor]:
        rng = torch.Generator().manual_seed(
            1000 * seed + 3 * step + ["stills", "frames", "clips"].index(name)
        )
        people = torch.randint(IDENTITIES, (count,), generator=rng)
        return people, torch.rand(count, len(SPACES[self.au_space].labels), generator=rng)

    def samples(self, split: str, protocol: str, seed: int) -> Sequence[Sample]:
        return [Sample(f"{split}-{number}", str(number)) for number in range(6)]

    def load(self, samples: Sequence[Sample]) -> Batch:
        people = torch.tensor([int(sample.subject) for sample in samples])
        rng = torch.Generator().manual_seed(7)
        source, target = torch.rand(2, len(samples), len(SPACES[self.au_space].labels), generator=rng)
        return Batch(
            sample_id=tuple(sample.sample_id for sample in samples),
            subject=tuple(sample.subject for sample in samples),
            source=draw(people, source),
            target=draw(people, target),
            au_space=self.au_space,
            source_aus=source,
            target_aus=target,
        )


@hookimpl
def gath_bench_datasets() -> list[DatasetSpec]:
    return [DatasetSpec("toy-faces", ToyFaces, "coloured squares")]
