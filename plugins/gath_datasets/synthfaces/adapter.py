"""The data set adapter of `synthfaces@1`."""

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
    LandmarkedBatch,
    Sample,
    StillsBatch,
    fingerprint,
)
from gath_bench.errors import UsageError
from gath_bench.faces import SYNTHFACES
from gath_bench.images import to_8bit
from gath_datasets.synthfaces import AU_LABELS, AU_SPACE, MAX_SIZE, MIN_SIZE, PROTOCOLS, VERSION, streams
from gath_datasets.synthfaces.landmarked import landmarked_batch
from gath_datasets.synthfaces.rand import derive
from gath_datasets.synthfaces.render import render
from gath_datasets.synthfaces.samples import SynthSample, plan, random_aus
from gath_datasets.synthfaces.scene import draw_scenes
from gath_datasets.synthfaces.splits import SPLIT_SUBJECTS, subject_seeds
from gath_datasets.synthfaces.subject import draw_subjects

#: Number of portraits in the mean portrait.
MEAN_PORTRAITS = 64


class SynthFaces:
    """`synthfaces@1`.

    Args:
        resolution: side of the images in pixels, 64 to 512.
        subjects: number of subjects per split; 0 for the split's own number (256 in test, 64 in val).
        identities: number of identity labels in the stills stream.
        randomise: strength in [0, 1] of noise, blur and colour cast in the *training streams*; evaluation sets have
            none.

    Raises:
        UsageError: a parameter is out of range.
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
                f"synthfaces renders {MIN_SIZE} to {MAX_SIZE} pixels: resolution={resolution} is outside."
            )
        if subjects < 0 or identities < 2 or not 0 <= randomise <= 1:
            raise UsageError("synthfaces needs subjects >= 0, identities >= 2 and randomise between 0 and 1.")
        self._resolution, self._subjects = resolution, subjects
        self._identities, self._randomise = identities, randomise

    @property
    def info(self) -> DatasetInfo:
        return DatasetInfo(
            au_space=AU_SPACE,
            resolution=self._resolution,
            domain="synthetic",
            protocols=PROTOCOLS,
            splits=("test", *(split for split in SPLIT_SUBJECTS if split != "test")),
            licence="none needed: procedural, drawn by this package",
            has_target=True,
            template=SYNTHFACES,
        )

    @property
    def fingerprint(self) -> str:
        """Fingerprint of the version and of the reference renders in ``frozen.json``, which a test checks."""
        frozen = files("gath_datasets.synthfaces").joinpath("frozen.json").read_text(encoding="utf-8")
        return fingerprint("synthfaces", str(VERSION), frozen)

    def samples(self, split: str, protocol: str, seed: int) -> Sequence[SynthSample]:
        if protocol not in PROTOCOLS:
            raise UsageError(f"synthfaces has no protocol {protocol!r}: it has {', '.join(PROTOCOLS)}.")
        return plan(split, protocol, seed, subjects=self._subjects or None)

    def load(self, samples: Sequence[Sample]) -> Batch:
        chosen = [sample for sample in samples if isinstance(sample, SynthSample)]
        if len(chosen) != len(samples):
            raise TypeError("synthfaces can only load its own samples")
        source, target, face = pair_images(chosen, self._resolution)
        swept = tuple(sample.swept_au or "" for sample in chosen)
        return Batch(
            sample_id=tuple(sample.sample_id for sample in chosen),
            subject=tuple(sample.subject for sample in chosen),
            source=source,
            target=target,
            face_mask=face,
            au_space=AU_SPACE,
            source_aus=_as_tensor([sample.source_aus for sample in chosen]),
            target_aus=_as_tensor([sample.target_aus for sample in chosen]),
            swept_au=swept if any(swept) else None,
        )

    def mean_portrait(self) -> Tensor:
        """The mean of 64 portraits of the ``frames`` population, float32 (3, H, W)."""
        shots = derive(torch.arange(MEAN_PORTRAITS), "mean portrait")
        people = draw_subjects(subject_seeds("frames", 1, torch.arange(MEAN_PORTRAITS)))
        images = render(people, draw_scenes(shots), random_aus(shots), self._resolution).image
        return to_8bit(images.double().mean(0).float()).clone()

    def identities(self) -> int:
        return self._identities

    def stills(self, *, batch_size: int, seed: int, start: int = 0) -> Iterator[StillsBatch]:
        def make(step: int) -> StillsBatch:
            return streams.stills_batch(
                batch_size=batch_size,
                seed=seed,
                step=step,
                size=self._resolution,
                identities=self._identities,
                randomise=self._randomise,
            )

        return streams.prefetch(make, start)

    def frames(self, *, batch_size: int, seed: int, start: int = 0) -> Iterator[FramesBatch]:
        def make(step: int) -> FramesBatch:
            return streams.frames_batch(
                batch_size=batch_size, seed=seed, step=step, size=self._resolution, randomise=self._randomise
            )

        return streams.prefetch(make, start)

    def clips(self, *, batch_size: int, seed: int, start: int = 0) -> Iterator[ClipsBatch]:
        def make(step: int) -> ClipsBatch:
            return streams.clips_batch(
                batch_size=batch_size, seed=seed, step=step, size=self._resolution, randomise=self._randomise
            )

        return streams.prefetch(make, start)

    def labelled(self, *, batch_size: int, seed: int, start: int = 0) -> Iterator[LabelledBatch]:
        def make(step: int) -> LabelledBatch:
            return streams.labelled_batch(
                batch_size=batch_size, seed=seed, step=step, size=self._resolution, randomise=self._randomise
            )

        return streams.prefetch(make, start)

    def landmarked(self, *, batch_size: int, seed: int, start: int = 0) -> Iterator[LandmarkedBatch]:
        def make(step: int) -> LandmarkedBatch:
            return landmarked_batch(batch_size=batch_size, seed=seed, step=step, size=self._resolution)

        return streams.prefetch(make, start)


def pair_images(samples: Sequence[SynthSample], size: int) -> tuple[Tensor, Tensor, Tensor]:
    """Source and target images of N samples, and the union of their face masks.

    Returns:
        Two (N, 3, size, size) in multiples of 1/255, and (N, 1, size, size) in [0, 1].
    """
    n = len(samples)
    if n == 0:
        empty = torch.zeros(0, 3, size, size)
        return empty, empty.clone(), empty[:, :1].clone()
    people = draw_subjects(torch.tensor([sample.subject_seed for sample in samples] * 2, dtype=torch.int64))
    scenes = draw_scenes(torch.tensor([sample.scene_seed for sample in samples] * 2, dtype=torch.int64))
    aus = _as_tensor([sample.source_aus for sample in samples] + [sample.target_aus for sample in samples])
    rendered = render(people, scenes, aus, size)
    image, mask = to_8bit(rendered.image).clone(), rendered.face_mask
    return image[:n], image[n:], torch.maximum(mask[:n], mask[n:]).clone()


def _as_tensor(aus: Sequence[tuple[float, ...]]) -> Tensor:
    return torch.tensor(aus, dtype=torch.float32).reshape(-1, len(AU_LABELS))
