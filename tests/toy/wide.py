"""A data set of as many samples as wanted, with images of 128 x 128 pixels that cost little to make."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from gath_bench import hookimpl
from gath_bench.contracts import Batch, DatasetInfo, DatasetSpec, Sample

SIDE, AUS, SAMPLES_PER_SUBJECT = 128, 17, 10


@dataclass(frozen=True)
class WideSample(Sample):
    number: int


class Wide:
    """Images of one colour; the target is darker."""

    fingerprint = "0123456789abcdef"
    info = DatasetInfo("openface17", SIDE, "synthetic", ("same-subject",), ("test",), "none", True)

    def __init__(self, *, n: int = 1000) -> None:
        self.n = n

    def samples(self, split: str, protocol: str, seed: int) -> Sequence[WideSample]:
        return [
            WideSample(f"test-{number:06d}", f"subject-{number // SAMPLES_PER_SUBJECT}", number)
            for number in range(self.n)
        ]

    def load(self, samples: Sequence[WideSample]) -> Batch:
        phase = torch.tensor([float(sample.number) for sample in samples])[:, None]
        colours = torch.sin(phase + torch.arange(3.0)) / 2 + 0.5
        source = colours[:, :, None, None].expand(-1, -1, SIDE, SIDE).contiguous()
        return Batch(
            sample_id=tuple(sample.sample_id for sample in samples),
            subject=tuple(sample.subject for sample in samples),
            source=source,
            target_aus=torch.sin(phase * torch.arange(1.0, 1.0 + AUS)) / 2 + 0.5,
            au_space="openface17",
            target=source * 0.9,
        )


@hookimpl
def gath_bench_datasets() -> list[DatasetSpec]:
    return [DatasetSpec("wide", Wide, "images of one colour")]
