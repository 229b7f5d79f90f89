"""The data set as gath-bench sees it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.resources import files

import torch
from torch import Tensor

from gath_bench.contracts import (
    Batch,
    ClipsBatch,
    DatasetInfo,
    FramesBatch,
    LabelledBatch,
    Sample,
    StillsBatch,
    fingerprint,
)
from gath_bench.errors import UsageError
from gath_datasets.synthfaces import AU_SPACE, VERSION, streams
from gath_datasets.synthfaces.rand import derive
from gath_datasets.synthfaces.render import MAX_SIZE, MIN_SIZE, render
from gath_datasets.synthfaces.samples import PROTOCOLS, SynthSample, plan, random_aus
from gath_datasets.synthfaces.scene import draw_scenes
from gath_datasets.synthfaces.splits import SPLIT_SUBJECTS, subject_seeds
from gath_datasets.synthfaces.subject import draw_subjects

#: Portraits that the mean portrait averages.
MEAN_OF = 64


def to_8_bits(image: Tensor) -> Tensor:
    """Round to multiples of 1/255, so that a rendered set equals its PNG export."""
    return (image * 255).round().clamp(0, 255) / 255


class SynthFaces:
    """`synthfaces@1`.

    Args:
        resolution: edge of the pictures in pixels, 64 to 512.
        subjects: subjects of each split; 0 for the split's own number (256 in test, 64 in val).
        identities: identity labels in the stills stream.
        randomise: strength in [0, 1] of noise, blur and colour cast in the *training streams*; the evaluation sets
            have none.
    """

    def __init__(
        self,
        *,
        resolution: int = 128,
        subjects: int = 0,
        identities: int = streams.IDENTITIES,
        randomise: float = 0.0,
    ) -> None:
        if not MIN_SIZE <= resolution <= MAX_SIZE:
            raise UsageError(
                f"synthfaces draws {MIN_SIZE} to {MAX_SIZE} pixels: resolution={resolution} is outside."
            )
        if subjects < 0 or identities < 2 or not 0 <= randomise <= 1:
            raise UsageError("synthfaces needs subjects >= 0, identities >= 2 and randomise between 0 and 1.")
        self._resolution, self._subjects = resolution, subjects
        self._identities, self._randomise = identities, randomise

    @property
    def info(self) -> DatasetInfo:
        return DatasetInfo(
            au_space=AU_SPACE, resolution=self._resolution, domain="synthetic", protocols=PROTOCOLS,
            splits=("test", *(s for s in SPLIT_SUBJECTS if s != "test")),
            licence="none needed: procedural, drawn by this package", has_target=True,
        )  # fmt: skip

    @property
    def fingerprint(self) -> str:
        """Over the version and the frozen numbers of reference renders, which a test holds the renderer to."""
        frozen = files("gath_datasets.synthfaces").joinpath("frozen.json").read_text(encoding="utf-8")
        return fingerprint("synthfaces", str(VERSION), frozen)

    def samples(self, split: str, protocol: str, seed: int) -> Sequence[SynthSample]:
        if protocol not in PROTOCOLS:
            raise UsageError(f"synthfaces has no protocol {protocol!r}: it has {', '.join(PROTOCOLS)}.")
        count = None if protocol == "sweep" and not self._subjects else self._subjects or None
        return plan(split, protocol, seed, subjects=count)

    def load(self, samples: Sequence[Sample]) -> Batch:
        chosen = [s for s in samples if isinstance(s, SynthSample)]
        if len(chosen) != len(samples):
            raise TypeError("synthfaces loads the samples that its own samples() lists")
        source, target, face = pair_images(chosen, self._resolution)
        swept = tuple(s.swept_au or "" for s in chosen)
        return Batch(
            sample_id=tuple(s.sample_id for s in chosen), subject=tuple(s.subject for s in chosen),
            source=source, target=target, face_mask=face, au_space=AU_SPACE,
            source_aus=torch.tensor([s.source_aus for s in chosen], dtype=torch.float32).reshape(-1, 17),
            target_aus=torch.tensor([s.target_aus for s in chosen], dtype=torch.float32).reshape(-1, 17),
            swept_au=swept if any(swept) else None,
        )  # fmt: skip

    def mean_portrait(self) -> Tensor:
        """The mean of portraits from the ``frames`` population, float32 (3, H, W)."""
        shots = derive(torch.arange(MEAN_OF), "mean portrait")
        people = draw_subjects(subject_seeds("frames", 1, torch.arange(MEAN_OF)))
        images = render(people, draw_scenes(shots), random_aus(shots), self._resolution).image
        return to_8_bits(images.double().mean(0).float()).clone()

    def identities(self) -> int:
        return self._identities

    def stills(self, *, batch_size: int, seed: int, start: int = 0) -> Iterator[StillsBatch]:
        def make(step: int) -> StillsBatch:
            return streams.stills_batch(
                batch_size=batch_size, seed=seed, step=step, size=self._resolution,
                identities=self._identities, randomise=self._randomise,
            )  # fmt: skip

        return streams.ahead(make, start)

    def frames(self, *, batch_size: int, seed: int, start: int = 0) -> Iterator[FramesBatch]:
        def make(step: int) -> FramesBatch:
            return streams.frames_batch(
                batch_size=batch_size, seed=seed, step=step, size=self._resolution, randomise=self._randomise
            )

        return streams.ahead(make, start)

    def clips(self, *, batch_size: int, seed: int, start: int = 0) -> Iterator[ClipsBatch]:
        def make(step: int) -> ClipsBatch:
            return streams.clips_batch(
                batch_size=batch_size, seed=seed, step=step, size=self._resolution, randomise=self._randomise
            )

        return streams.ahead(make, start)

    def labelled(self, *, batch_size: int, seed: int, start: int = 0) -> Iterator[LabelledBatch]:
        def make(step: int) -> LabelledBatch:
            return streams.labelled_batch(
                batch_size=batch_size, seed=seed, step=step, size=self._resolution, randomise=self._randomise
            )

        return streams.ahead(make, start)


def pair_images(samples: Sequence[SynthSample], size: int) -> tuple[Tensor, Tensor, Tensor]:
    """Source images, target images and the union of their face masks, rounded to 8 bits."""
    n = len(samples)
    if n == 0:
        empty = torch.zeros(0, 3, size, size)
        return empty, empty.clone(), empty[:, :1].clone()
    people = draw_subjects(torch.tensor([s.subject_seed for s in samples] * 2, dtype=torch.int64))
    scenes = draw_scenes(torch.tensor([s.scene_seed for s in samples] * 2, dtype=torch.int64))
    aus = torch.tensor([s.source_aus for s in samples] + [s.target_aus for s in samples], dtype=torch.float32)
    made = render(people, scenes, aus, size)
    image = to_8_bits(made.image).clone()
    return image[:n], image[n:], torch.maximum(made.face_mask[:n], made.face_mask[n:]).clone()
