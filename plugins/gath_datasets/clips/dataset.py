"""A data set of clips: the AUs of a frame are the target, and the frame is the target image."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from gath_bench.au import get_space
from gath_bench.contracts import (
    Batch,
    ClipsBatch,
    DatasetInfo,
    FramesBatch,
    Sample,
    StillsBatch,
    Unreadable,
    file_hash,
    fingerprint,
)
from gath_bench.errors import Unavailable, UsageError, did_you_mean
from gath_datasets.clips.clip import Clip, OpenClips, image_name
from gath_datasets.clips.labelled import LabelledClips, labels_of
from gath_datasets.clips.streams import ClipStreams
from gath_datasets.common.index import content_fingerprint
from gath_datasets.common.splits import apply_splits, read_splits, share
from gath_datasets.cropping import Cropped, Cropper, union_masks
from gath_datasets.files import MediaFile
from gath_datasets.portraits.targets import sweep
from gath_datasets.prefetching import prefetch

if TYPE_CHECKING:
    from torch import Tensor

B = TypeVar("B")
#: Source portraits held decoded.
_SOURCES = 8


@dataclass(frozen=True, eq=False)
class ClipSample(Sample):
    """A source portrait and its target AUs.

    Attributes:
        source: the clip of the source portrait, its first frame with AUs.
        driver: the clip of the target AUs; None under ``sweep``.
        frame: the frame of ``driver``.
        aus: the target AUs, K coefficients; None where the frame has none.
        swept_au: under ``sweep``, the AU that varies.
    """

    source: Clip
    driver: Clip | None
    frame: int
    aus: tuple[float, ...] | None
    swept_au: str | None = None


def prefetched(batches: Iterator[B]) -> Iterator[B]:
    """The same batches, made a few in advance by a thread."""
    return prefetch(lambda _: next(batches))


def check_sizes(size: int, step: int, per_clip: int) -> None:
    """Refuse parameters out of range.

    Raises:
        UsageError: one is.
    """
    if size < 1:
        raise UsageError(f"size={size} is no resolution: give the side in pixels, such as 128.")
    if step < 1:
        raise UsageError(f"step={step} is not possible: 1 takes every frame, 10 every tenth.")
    if per_clip < 0:
        raise UsageError(f"per_clip={per_clip} is not possible: give a number of frames, or 0 for all.")


def split_subjects(subjects: Sequence[str], path: Path | None) -> dict[str, str]:
    """The split of each subject: as a file declares it, or by hash.

    By hash about 30 % are ``test``, 10 % ``val`` and 60 % ``train``: these data sets have few subjects, and intervals
    over fewer test subjects would be wide.

    Raises:
        UsageError: the file cannot be read, or has no split for a subject.
    """
    people = sorted(set(subjects))
    if path is not None:
        return dict(zip(people, apply_splits(people, read_splits(path), path), strict=True))
    numbers = {subject: share(subject, "split") for subject in people}
    return {
        subject: "test" if number < 0.3 else "val" if number < 0.4 else "train"
        for subject, number in numbers.items()
    }


class ClipDataset:
    """Evaluation samples and training streams of labelled clips.

    The source portrait of a clip is its first frame with AUs. Under ``same-subject`` every other frame of the clip is a
    target, with its AUs and its image. Under ``cross-subject`` the AUs of every frame are requested for another
    subject's portrait; there is no target image. ``sweep`` varies one AU at a time on each subject's first portrait.

    Args:
        name: the component name, for messages.
        root: the folder of the clips, for the fingerprint and messages.
        labelled: the clips, in the order of the samples.
        splits: the split of each subject; ``train`` is in no sample, and the training streams use nothing else.
        cropper: crops the frames.
        step: every ``step``-th frame is a sample.
        per_clip: at most this many target frames per clip, evenly spaced; 0 for all.
        au_space: of the clips' AUs.
        licence: one line, with the citation.
    """

    def __init__(
        self,
        name: str,
        root: Path,
        labelled: LabelledClips,
        splits: Mapping[str, str],
        *,
        cropper: Cropper,
        step: int,
        per_clip: int,
        au_space: str,
        licence: str,
    ) -> None:
        self.name, self.root, self.clip_list, self.splits = name, root, labelled.clips, dict(splits)
        self._labelled_by = labelled.labelled_by
        self.size, self.step, self.per_clip = cropper.size, step, per_clip
        self.au_space, self.licence, self._cropper = au_space, licence, cropper
        self._opened = OpenClips()
        self._content: Callable[[Path], str] = lru_cache(maxsize=None)(file_hash)
        # Cached, so that a pass over a clip does not go back to its first frame for every sample.
        self._source: Callable[[Clip], Cropped] = lru_cache(maxsize=_SOURCES)(self._read_source)

    @property
    def info(self) -> DatasetInfo:
        held = [split for split in ("test", "val") if self._of(split)]
        several = any(len({clip.file.subject for clip in self._of(split)}) > 1 for split in held)
        return DatasetInfo(
            au_space=self.au_space,
            resolution=self.size,
            domain="photo",
            protocols=("same-subject", "cross-subject", "sweep") if several else ("same-subject", "sweep"),
            splits=tuple(held) or ("test",),
            licence=self.licence,
            has_target=True,
            template=self._cropper.template,
            labelled_by=self._labelled_by,
        )

    @cached_property
    def fingerprint(self) -> str:
        parts = [f"{self.au_space} {self.step} {self.per_clip} {self._cropper.fingerprint}"]
        for clip in self.clip_list:
            split = self.splits[clip.file.subject]
            parts += [clip.file.relative, clip.file.subject, split, fingerprint(clip.aus.tobytes())]
        folder = self.root if self.root.is_dir() else self.root.parent
        files = {clip.frames.path.relative_to(folder).as_posix() for clip in self.clip_list}
        return fingerprint(*parts, content_fingerprint(folder, sorted(files), ()))

    def _of(self, split: str) -> list[Clip]:
        return [clip for clip in self.clip_list if self.splits[clip.file.subject] == split]

    def samples(self, split: str, protocol: str, seed: int) -> Sequence[ClipSample]:
        """The samples of all clips, clip by clip; the seed chooses the portraits of ``cross-subject``."""
        info = self.info
        for word, asked, served in (("split", split, info.splits), ("protocol", protocol, info.protocols)):
            if asked not in served:
                raise UsageError(f"{self.name} has no {word} {asked!r}: {did_you_mean(asked, served)}")
        clips = self._of(split)
        if not clips:
            raise UsageError(
                f"{self.name} has no subject in the split {split}: all {len(self.splits)} are in "
                f"{', '.join(sorted(set(self.splits.values())))}."
            )
        unlabelled = next((clip for clip in clips if not clip.labels), None)
        if unlabelled is not None:
            raise UsageError(
                f"{unlabelled.file.relative} has no AU time series beside it: write {labels_of(unlabelled.file).name} "
                "(OpenFace, py-feat, Live Link Face), give a label file of `gath-bench label` as labels=FILE, or "
                "estimate the AUs with estimator=synthfaces."
            )
        usable = [clip for clip in clips if clip.source_index is not None]
        if not usable:
            raise UsageError(f"no video in {self.root} has a frame with AUs: check the AU labels.")
        if protocol == "sweep":
            return _sweep_samples(usable, self.au_space)
        chosen = {clip.file: clip for clip in usable}
        if protocol == "cross-subject":
            chosen = _other_subjects(usable, seed)
            if not chosen:
                raise UsageError(
                    f"{self.name} has labelled clips of one subject in the split {split}, and cross-subject needs two: "
                    "add subjects, or change the splits."
                )
        mark = "" if protocol == "same-subject" else "x-"
        return [
            _driven(chosen[clip.file], clip, frame, mark)
            for clip in usable
            if clip.file in chosen
            for frame in self._targets(clip, without_source=protocol == "same-subject")
        ]

    def _targets(self, clip: Clip, *, without_source: bool) -> list[int]:
        """The target frames of a clip."""
        frames = range(0, len(clip.aus), self.step)
        listed = [frame for frame in frames if not (without_source and frame == clip.source_index)]
        if not self.per_clip or len(listed) <= self.per_clip:
            return listed
        return [
            listed[(2 * place + 1) * len(listed) // (2 * self.per_clip)] for place in range(self.per_clip)
        ]

    def load(self, samples: Sequence[Sample]) -> Batch:
        """Source portraits and target frames, cropped, resized and rounded to 8 bits, with their AUs."""
        import torch

        kept: list[ClipSample] = []
        sources: list[Cropped] = []
        targets: list[Cropped] = []
        unreadable: list[Unreadable] = []
        for sample in samples:
            if not isinstance(sample, ClipSample):
                raise TypeError(f"{self.name} can only load its own samples, not {sample!r}")
            try:
                if sample.aus is None:
                    assert sample.driver is not None
                    raise Unavailable(sample.driver.reason(sample.frame) or "the frame has no AUs")
                source = self._source(sample.source)
                if sample.source is sample.driver:
                    targets.append(self._picture(sample.source, sample.frame))
                sources.append(source)
                kept.append(sample)
            except (Unavailable, UsageError) as reason:
                unreadable.append(Unreadable(sample.sample_id, sample.subject, str(reason)))
        count = len(get_space(self.au_space))
        swept = tuple(sample.swept_au or "" for sample in kept)
        with_target = bool(kept) and len(targets) == len(kept)
        empty = torch.zeros(0, 3, self.size, self.size)
        return Batch(
            sample_id=tuple(sample.sample_id for sample in kept),
            subject=tuple(sample.subject for sample in kept),
            source=torch.stack([item.image for item in sources]) if sources else empty,
            target_aus=torch.tensor([sample.aus for sample in kept]).reshape(-1, count),
            au_space=self.au_space,
            source_aus=torch.tensor(
                [sample.source.aus[sample.source.source_index or 0].tolist() for sample in kept]
            ).reshape(-1, count),
            target=torch.stack([item.image for item in targets]) if with_target else None,
            face_mask=union_masks(sources, targets),
            swept_au=swept if swept and all(swept) else None,
            clip=tuple((sample.driver or sample.source).file.name for sample in kept),
            frame=tuple(sample.frame for sample in kept),
            unreadable=tuple(unreadable),
        )

    def _read_source(self, clip: Clip) -> Cropped:
        return self._picture(clip, clip.source_index or 0)

    def _picture(self, clip: Clip, index: int) -> Cropped:
        """A frame at the evaluation resolution.

        Raises:
            Unavailable: no face was found in it, or it is not square under ``crop=none``.
        """
        image = self._opened.read(clip, index)
        return self._cropper(image, f"frame {index} of {clip.file.relative}")

    # --- labelling

    def image_samples(self) -> Sequence[ClipSample]:
        """Every ``step``-th frame of every clip, of all splits."""
        return [
            _driven(clip, clip, frame, "")
            for clip in self.clip_list
            for frame in range(0, len(clip.frames), self.step)
        ]

    def image_content(self, sample: Sample) -> str:
        """SHA-256 (hex) of the video file."""
        assert isinstance(sample, ClipSample)
        return self._content(sample.source.frames.path)

    def read_image(self, sample: Sample) -> Tensor:
        """The frame as it is in the file, float32 (3, H, W).

        Raises:
            Unavailable: it cannot be decoded.
        """
        assert isinstance(sample, ClipSample)
        try:
            return self._opened.read(sample.source, sample.frame)
        except UsageError as reason:
            raise Unavailable(str(reason)) from reason

    # --- training

    @cached_property
    def streams(self) -> ClipStreams:
        """Which clips of the split ``train`` each stream draws from."""
        train = self._of("train")
        return ClipStreams(self.name, train, self._cropper, self._opened, self.step, self.au_space)

    def identities(self) -> int:
        """The number of subjects in ``stills``."""
        return len(self.streams.still_subjects)

    def stills(self, *, batch_size: int, seed: int, start: int = 0) -> Iterator[StillsBatch]:
        """Frames of one half of the training subjects, with the subject as the identity."""
        return prefetched(self.streams.stills(batch_size=batch_size, seed=seed, start=start))

    def frames(self, *, batch_size: int, seed: int, start: int = 0) -> Iterator[FramesBatch]:
        """Frames of the other half, with their AUs."""
        return prefetched(self.streams.frames(batch_size=batch_size, seed=seed, start=start))

    def clips(self, *, batch_size: int, seed: int, start: int = 0) -> Iterator[ClipsBatch]:
        """Two frames of one clip of the other half, with their AUs."""
        return prefetched(self.streams.clips(batch_size=batch_size, seed=seed, start=start))


def _driven(source: Clip, driver: Clip, frame: int, mark: str) -> ClipSample:
    aus = None if driver.reason(frame) else tuple(driver.aus[frame].tolist())
    name = mark + image_name(driver.file, frame)
    return ClipSample(name, source.file.subject, source, driver, frame, aus)


def _sweep_samples(clips: Sequence[Clip], au_space: str) -> list[ClipSample]:
    first = {clip.file.subject: clip for clip in reversed(clips)}
    return [
        ClipSample(
            f"w-{clip.file.name}--{target.name}",
            subject,
            clip,
            None,
            clip.source_index or 0,
            target.values,
            target.swept_au,
        )
        for subject, clip in sorted(first.items())
        for target in sweep(au_space)
    ]


def _other_subjects(clips: Sequence[Clip], seed: int) -> dict[MediaFile, Clip]:
    """For each clip, a clip of another subject: its portrait gets the AUs."""
    draw = random.Random(seed)
    chosen: dict[MediaFile, Clip] = {}
    for clip in clips:
        others = [other for other in clips if other.file.subject != clip.file.subject]
        if others:
            chosen[clip.file] = draw.choice(others)
    return chosen
