"""The ``video`` data set: any video files, streamed; the AUs of a frame are the target, its picture the truth."""

from __future__ import annotations

import random
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from threading import Lock

from gath_bench.au import DEFAULT_SPACE, get_space
from gath_bench.contracts import Batch, DatasetInfo, Sample, Unreadable, file_hash, fingerprint
from gath_bench.errors import Unavailable, UsageError, did_you_mean
from gath_bench.video import FrameReader
from gath_datasets.cropping import Crop, Cropped, Cropper, union_masks
from gath_datasets.files import MediaFile
from gath_datasets.portraits.adapter import DEFAULT_CROP
from gath_datasets.portraits.targets import sweep
from gath_datasets.video.clips import Clip, ClipEstimator, find_clips, labels_of, read_clip

#: Videos held open: samples of one clip follow each other.
_OPEN = 2
#: Source portraits held decoded.
_SOURCES = 8


@dataclass(frozen=True, eq=False)
class VideoSample(Sample):
    """A source portrait and the AUs that are asked of it.

    Attributes:
        source: the clip of the source portrait, its first frame with AUs.
        driver: the clip of the target AUs; None under ``sweep``.
        frame: the frame of ``driver``.
        aus: the target AUs, K coefficients; None where the frame has none.
        swept_au: under ``sweep``, the AU that is moved.
    """

    source: Clip
    driver: Clip | None
    frame: int
    aus: tuple[float, ...] | None
    swept_au: str | None = None


class Videos:
    """Videos of one file, a flat folder, or a folder per subject.

    The source portrait of a clip is its first frame with AUs. Under ``same-subject`` every frame of the clip is a
    target: its AUs are asked for, and its picture is the target image. Under ``cross-subject`` the AUs of every frame
    are asked of another subject's portrait; there is no target image. ``sweep`` moves one AU at a time on each
    subject's first portrait.

    Args:
        root: the file or folder. Beside ``clip.mp4`` lies its AU time series ``clip.csv``.
        estimator: component name of an AU estimator, for the clips without a time series; None refuses such clips.
        size: the evaluation resolution in pixels.
        step: every ``step``-th frame is a sample.
        crop: ``face`` aligns the largest face of every frame to the framing of synthfaces; ``centre`` takes the
            largest centred square; ``none`` takes square videos only.
        detector: component name of the face detector, for ``crop=face``; the bundled one by default.
        subjects: a CSV with the columns ``file`` and ``subject``; ``subjects.csv`` in the root by default.
        au_space: the AU space of the targets.

    Raises:
        UsageError: no videos at ``root``, a video or a CSV that cannot be read, or the two do not fit.
    """

    def __init__(
        self,
        *,
        root: Path,
        size: int = 128,
        step: int = 1,
        crop: Crop = DEFAULT_CROP,
        detector: str | None = None,
        subjects: Path | None = None,
        au_space: str = DEFAULT_SPACE,
        estimator: str | None = None,
    ) -> None:
        if size < 1:
            raise UsageError(f"size={size} is no resolution: give the side in pixels, such as 128.")
        if step < 1:
            raise UsageError(f"step={step} is not possible: 1 takes every frame, 10 every tenth.")
        get_space(au_space)
        self.root, self.size, self.step, self.crop, self.au_space = root, size, step, crop, au_space
        files = find_clips(root, subjects)
        estimate: ClipEstimator | None = None
        if estimator is not None:
            estimate = ClipEstimator(estimator, detector, au_space, step)
        self.clips = tuple(
            estimate(file) if estimate and not labels_of(file).is_file() else read_clip(file, au_space)
            for file in files
        )
        self._cropper = Cropper(crop, size, detector)
        self._readers: OrderedDict[Path, FrameReader] = OrderedDict()
        self._lock = Lock()
        # Cached, so that a pass over a clip does not go back to its first frame for every sample.
        self._source: Callable[[Clip], Cropped] = lru_cache(maxsize=_SOURCES)(self._read_source)

    @property
    def info(self) -> DatasetInfo:
        people = {clip.file.subject for clip in self.clips}
        protocols = (
            ("same-subject", "cross-subject", "sweep") if len(people) > 1 else ("same-subject", "sweep")
        )
        return DatasetInfo(
            au_space=self.au_space,
            resolution=self.size,
            domain="photo",
            protocols=protocols,
            splits=("test",),
            licence="the user's own videos",
            has_target=True,
            template=self._cropper.template,
        )

    @cached_property
    def fingerprint(self) -> str:
        parts = [f"{self.au_space} {self.step} {self._cropper.fingerprint}"]
        for clip in self.clips:
            parts += [clip.file.relative, clip.file.subject, file_hash(clip.file.path)]
            parts.append(fingerprint(clip.aus.tobytes()))
        return fingerprint(*parts)

    def samples(self, split: str, protocol: str, seed: int) -> Sequence[VideoSample]:
        """The samples of all clips, clip by clip; the seed chooses the portraits of ``cross-subject``."""
        info = self.info
        for word, asked, served in (("split", split, info.splits), ("protocol", protocol, info.protocols)):
            if asked not in served:
                raise UsageError(f"video has no {word} {asked!r}: {did_you_mean(asked, served)}")
        usable = [clip for clip in self.clips if clip.source_index is not None]
        if not usable:
            raise UsageError(f"no video in {self.root} has a frame with AUs: check the AU time series.")
        if protocol == "sweep":
            return _sweep_samples(usable, self.au_space)
        chosen = {clip.file: clip for clip in usable}
        if protocol == "cross-subject":
            chosen = _other_subjects(usable, seed)
        mark = "" if protocol == "same-subject" else "x-"
        return [
            _driven(chosen[clip.file], clip, frame, mark)
            for clip in usable
            if clip.file in chosen
            for frame in range(0, len(clip.aus), self.step)
            if protocol == "cross-subject" or frame != clip.source_index
        ]

    def load(self, samples: Sequence[Sample]) -> Batch:
        """Source portraits and target frames, cropped, resized and rounded to 8 bits, with their AUs."""
        import torch

        kept: list[VideoSample] = []
        sources: list[Cropped] = []
        targets: list[Cropped] = []
        unreadable: list[Unreadable] = []
        for sample in samples:
            if not isinstance(sample, VideoSample):
                raise TypeError(f"video can only load its own samples, not {sample!r}")
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
        import torch

        with self._lock:
            pixels = self._reader(clip.file.path).read(index).pixels
        image = torch.from_numpy(pixels).permute(2, 0, 1).float() / 255
        return self._cropper(image, f"frame {index} of {clip.file.relative}")

    def _reader(self, path: Path) -> FrameReader:
        if path not in self._readers:
            self._readers[path] = FrameReader(path)
        self._readers.move_to_end(path)
        while len(self._readers) > _OPEN:
            self._readers.popitem(last=False)[1].close()
        return self._readers[path]


def _driven(source: Clip, driver: Clip, frame: int, mark: str) -> VideoSample:
    aus = None if driver.reason(frame) else tuple(driver.aus[frame].tolist())
    name = f"{mark}{driver.file.name}--{frame:06d}"
    return VideoSample(name, source.file.subject, source, driver, frame, aus)


def _sweep_samples(clips: Sequence[Clip], au_space: str) -> list[VideoSample]:
    first = {clip.file.subject: clip for clip in reversed(clips)}
    return [
        VideoSample(
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
