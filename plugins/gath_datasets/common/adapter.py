"""The adapter of every data set that is an `ImageIndex`: samples, images and training streams."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from gath_bench.au import DEFAULT_SPACE, get_space
from gath_bench.contracts import (
    Batch,
    ClipsBatch,
    DatasetInfo,
    Face,
    FramesBatch,
    Sample,
    StillsBatch,
    Template,
    Unreadable,
    file_hash,
    fingerprint,
)
from gath_bench.errors import Unavailable, UsageError, did_you_mean
from gath_bench.images import read_image
from gath_bench.labels import read_labels
from gath_datasets.common.index import HASHED_FILES, ImageIndex, content_fingerprint, first_of_clips
from gath_datasets.common.published import Published
from gath_datasets.common.splits import SPLITS, apply_splits, read_splits, share
from gath_datasets.common.streams import ImageStreams
from gath_datasets.cropping import Crop, Cropped, Cropper, union_masks
from gath_datasets.files import file_names
from gath_datasets.portraits.targets import Target, parse_targets, read_targets, sweep

if TYPE_CHECKING:
    from torch import Tensor

#: Decoded images in the cache: samples with one source portrait follow each other.
_CACHED = 8
#: Images that are read when samples are listed, to find out whether any can be.
_PROBED = 4


@dataclass(frozen=True)
class ImageSample(Sample):
    """A source portrait, and the AUs that are requested of it.

    Attributes:
        source: position of the source portrait in the index.
        target: position of the image with the requested expression, under ``same-subject``; None without one.
        aus: K coefficients; empty if they are not available.
        swept_au: under ``sweep``, the AU that varies.
        clip, frame: of the image that the AUs come from, if it is in a clip.
        reason: why the AUs are not available; None if they are.
    """

    source: int
    target: int | None = None
    aus: tuple[float, ...] = ()
    swept_au: str | None = None
    clip: str | None = None
    frame: int | None = None
    reason: str | None = None


class ImageSet:
    """A data set of images with a published layout. Subclasses give `published` and `read_index`.

    Args:
        root: the folder of the data set.
        size: the evaluation resolution in pixels.
        crop: ``face`` aligns the largest face to the framing of synthfaces; ``centre`` takes the largest centred
            square; ``none`` takes square images only.
        detector: component name of the face detector, for ``crop=face``; the bundled one by default.
        au_space: the AU space of the target AUs.
        splits: a CSV with the columns ``subject`` and ``split``, instead of the data set's own splits.
        labels: a label file of ``gath-bench label``, for a data set whose index has no AUs.

    Raises:
        UsageError: the folder does not have the published layout, or a label file cannot be read.
    """

    published: ClassVar[Published]
    domain: ClassVar[str] = "photo"
    #: Whether subjects are people; without identities each image is a subject of its own.
    has_identities: ClassVar[bool] = True
    #: Where uncropped images show the parts of the face, if the owners aligned them.
    native_template: ClassVar[Template | None] = None
    #: Component keys of the AU estimators that the AUs come from.
    labelled_by: tuple[str, ...] = ()

    def __init__(
        self,
        *,
        root: Path,
        size: int = 128,
        crop: Crop = "face",
        detector: str | None = None,
        au_space: str = DEFAULT_SPACE,
        splits: Path | None = None,
        labels: Path | None = None,
    ) -> None:
        if size < 1:
            raise UsageError(f"size={size} is not a resolution: give the side in pixels, such as 128.")
        get_space(au_space)
        self.root, self.size, self.crop, self.au_space = root, size, crop, au_space
        index = self.read_index()
        if splits is not None:
            index = replace_splits(index, splits)
        if not len(index):
            raise self.published.error(root, "no images")
        self.index = index
        if labels is not None:
            self.index = self._labelled(labels)
        self._cropper = Cropper(crop, size, detector, detect=not self.gives_faces())
        self._cached: Callable[[int], Cropped] = lru_cache(maxsize=_CACHED)(self.picture)

    # What a data set defines.

    def read_index(self) -> ImageIndex:
        """All images of the data set, with their labels.

        Raises:
            UsageError: the folder does not have the published layout, or a label cannot be read.
        """
        raise NotImplementedError

    def settings(self) -> str:
        """What the samples depend on besides the files, for the fingerprint."""
        return ""

    def gives_faces(self) -> bool:
        """Whether `face` gives the face of every image, so that ``crop=face`` needs no detector."""
        return False

    def face(self, index: int) -> Face | None:
        """The face of an image, where labels give it."""
        return None

    def read(self, index: int) -> Tensor:
        """An image as published, float32 (3, H, W) in [0, 1]. Called from several threads at once.

        Raises:
            Unavailable: the image is missing or damaged.
        """
        return read_image(self.index.root / self.index.paths[index])

    # The contract.

    @property
    def info(self) -> DatasetInfo:
        native = self.native_template if self.crop != "face" else None
        return DatasetInfo(
            au_space=self.au_space,
            resolution=self.size,
            domain=self.domain,
            protocols=self.protocols(),
            splits=SPLITS,
            licence=self.published.licence_line,
            has_target=self.index.reference is not None,
            template=native or self._cropper.template,
            labelled_by=self.labelled_by,
        )

    @cached_property
    def fingerprint(self) -> str:
        index = self.index
        labels = "" if index.aus is None else index.aus.tobytes()
        return fingerprint(
            f"{self.published.name} {self.au_space} {self._cropper.fingerprint} {self.settings()}",
            content_fingerprint(index.root, index.paths, index.label_files),
            " ".join(index.splits),
            labels,
        )

    def protocols(self) -> tuple[str, ...]:
        """The protocols that the labels allow, the default first."""
        if self.index.aus is None:
            return ("same-subject", "sweep")
        pairs = ("same-subject",) if self.index.reference is not None else ()
        several = ("cross-subject",) if len(set(self.index.subjects)) > 1 else ()
        return (*pairs, *several, "sweep")

    def samples(self, split: str, protocol: str, seed: int) -> Sequence[ImageSample]:
        """The samples of a split; the seed chooses the portraits of ``cross-subject``.

        Raises:
            UsageError: there is no such split or protocol, or none of the first images can be read.
        """
        info, name = self.info, self.published.name
        for word, asked, served in (("split", split, info.splits), ("protocol", protocol, info.protocols)):
            if asked not in served:
                raise UsageError(f"{name} has no {word} {asked!r}: {did_you_mean(asked, served)}")
        chosen = [index for index, own in enumerate(self.index.splits) if own == split]
        if not chosen:
            raise UsageError(
                f"{name} has no image in the split {split!r} ({self._split_counts()}): choose another split, or "
                "declare them with splits=FILE.csv (subject,split)."
            )
        self._refuse_unreadable(chosen)
        label = self.image_names(chosen)
        if protocol == "sweep":
            return self._expressions(self._portraits(chosen), sweep(self.au_space), label, "w-")
        if protocol == "same-subject" and self.index.aus is None:
            return self._expressions(chosen, self.targets(), label, "")
        if protocol == "same-subject":
            assert self.index.reference is not None
            return [
                self._driven(int(self.index.reference[index]), index, label[index], pair=True)
                for index in chosen
                if self.index.reference[index] >= 0
            ]
        return self._cross_subject(chosen, seed, label)

    def targets(self) -> Sequence[Target]:
        """The expressions that are requested where images have no AU labels."""
        return parse_targets("basic", self.au_space)

    def load(self, samples: Sequence[Sample]) -> Batch:
        """Source portraits and target images, cropped, resized and rounded to 8 bits, with their AUs."""
        import torch

        kept: list[ImageSample] = []
        sources: list[Cropped] = []
        targets: list[Cropped] = []
        unreadable: list[Unreadable] = []
        for sample in samples:
            if not isinstance(sample, ImageSample):
                raise TypeError(f"{self.published.name} can only load its own samples, not {sample!r}")
            try:
                if sample.reason is not None:
                    raise Unavailable(sample.reason)
                source = self._cached(sample.source)
                if sample.target is not None:
                    targets.append(self.picture(sample.target))
                sources.append(source)
                kept.append(sample)
            except Unavailable as reason:
                unreadable.append(Unreadable(sample.sample_id, sample.subject, str(reason)))
        count = len(get_space(self.au_space))
        swept = tuple(sample.swept_au or "" for sample in kept)
        clips = tuple(sample.clip or "" for sample in kept)
        own = self.index.aus
        return Batch(
            sample_id=tuple(sample.sample_id for sample in kept),
            subject=tuple(sample.subject for sample in kept),
            source=_stack(sources, self.size),
            target_aus=torch.tensor([sample.aus for sample in kept]).reshape(-1, count),
            au_space=self.au_space,
            source_aus=None if own is None else torch.from_numpy(own[[sample.source for sample in kept]]),
            target=_stack(targets, self.size) if kept and len(targets) == len(kept) else None,
            face_mask=union_masks(sources, targets),
            swept_au=swept if swept and all(swept) else None,
            clip=clips if clips and all(clips) else None,
            frame=tuple(sample.frame or 0 for sample in kept) if clips and all(clips) else None,
            unreadable=tuple(unreadable),
        )

    def picture(self, index: int) -> Cropped:
        """An image of the index at the evaluation resolution.

        Raises:
            Unavailable: the image is missing or damaged, no face was found in it, or it is not square under
                ``crop=none``.
        """
        face = self.face(index) if self.crop == "face" else None
        return self._cropper(self.read(index), self.index.name(index), face)

    # Labelling.

    def image_names(self, chosen: Sequence[int]) -> dict[int, str]:
        """What sample ids call images: unique, legal in file names, and independent of all settings.

        Args:
            chosen: positions in the index.
        """
        keys = {index: f"{self.index.paths[index]} {self.index.name(index)}" for index in chosen}
        names = file_names({keys[index]: self.index.name(index) for index in chosen}, "image")
        return {index: names[keys[index]] for index in chosen}

    def image_samples(self) -> Sequence[ImageSample]:
        """Every image, of all splits, for `gath-bench label`."""
        index = self.index
        return [
            ImageSample(name, index.subjects[position], position)
            for position, name in self.image_names(range(len(index))).items()
        ]

    def image_content(self, sample: Sample) -> str:
        """SHA-256 (hex) of the file that holds the image."""
        assert isinstance(sample, ImageSample)
        return self._content(sample.source)

    def read_image(self, sample: Sample) -> Tensor:
        """The image as it is in the file, float32 (3, H, W).

        Raises:
            Unavailable: it is missing or damaged.
        """
        assert isinstance(sample, ImageSample)
        return self.read(sample.source)

    def _content(self, index: int) -> str:
        """SHA-256 (hex) of the file of an image; of the files of all records where images are in archives."""
        try:
            return file_hash(self.index.root / self.index.paths[index])
        except OSError:
            return self._label_files_content

    @cached_property
    def _label_files_content(self) -> str:
        return fingerprint(*(file_hash(path) for path in self.index.label_files))

    def _labelled(self, path: Path) -> ImageIndex:
        """The index with the AUs of a label file. In clips the first labelled image is the source portrait.

        Up to `HASHED_FILES` images, chosen by the hash of their names, are checked to be those that were labelled.

        Raises:
            UsageError: the file cannot be read, has no label of any image, or an image has changed since.
        """
        labels = read_labels(path)
        names = self.image_names(range(len(self.index)))
        found = [index for index, name in names.items() if name in labels.labels]
        if not found:
            raise UsageError(
                f"{path} has no label of an image of {self.published.name}: give the file that `gath-bench label` "
                "wrote for this data set."
            )
        for index in sorted(found, key=lambda index: share(names[index], "content"))[:HASHED_FILES]:
            labels.check_content(names[index], self._content(index), self.index.paths[index])
        self.labelled_by = (labels.info.estimator,)
        aus, clips = labels.aus(list(names.values()), self.au_space), self.index.clips
        return replace(self.index, aus=aus, reference=None if clips is None else first_of_clips(clips, aus))

    # Training streams.

    @cached_property
    def streams(self) -> ImageStreams:
        """Which images of the split ``train`` each stream draws from."""
        return ImageStreams(
            self.published.name, self.index, self.au_space, self.picture, has_identities=self.has_identities
        )

    def identities(self) -> int:
        """The number of identity labels in the stills stream.

        Raises:
            UsageError: the data set has no identities.
        """
        return self.streams.identities

    def stills(self, *, batch_size: int, seed: int, start: int = 0) -> Iterator[StillsBatch]:
        """An endless stream of portraits with identity labels.

        Raises:
            UsageError: the data set has no identities.
        """
        return self.streams.stills(batch_size, seed, start)

    def frames(self, *, batch_size: int, seed: int, start: int = 0) -> Iterator[FramesBatch]:
        """An endless stream of images with their AUs: all that the labels of the split cover, the others NaN.

        Raises:
            UsageError: the data set has no such images.
        """
        return self.streams.frames(batch_size, seed, start)

    def clips(self, *, batch_size: int, seed: int, start: int = 0) -> Iterator[ClipsBatch]:
        """An endless stream of pairs of images of one clip, with their AUs as in `frames`.

        Raises:
            UsageError: the data set has no such pairs.
        """
        return self.streams.clips(batch_size, seed, start)

    # Samples.

    def _portraits(self, chosen: Sequence[int]) -> list[int]:
        """One portrait per subject: the reference of its first pair, or its first image."""
        portraits: dict[str, int] = {}
        for index in chosen:
            reference = -1 if self.index.reference is None else int(self.index.reference[index])
            portraits.setdefault(self.index.subjects[index], reference if reference >= 0 else index)
        return [portraits[subject] for subject in sorted(portraits)]

    def _expressions(
        self, portraits: Sequence[int], targets: Sequence[Target], label: dict[int, str], mark: str
    ) -> list[ImageSample]:
        return [
            ImageSample(
                f"{mark}{label[index]}--{target.name}",
                self.index.subjects[index],
                index,
                aus=target.values,
                swept_au=target.swept_au,
                reason=target.reason,
            )
            for index in portraits
            for target in targets
        ]

    def _driven(self, source: int, driver: int, name: str, *, pair: bool) -> ImageSample:
        index = self.index
        assert index.aus is not None
        values = tuple(index.aus[driver].tolist())
        missing = all(value != value for value in values)
        return ImageSample(
            name,
            index.subjects[source],
            source,
            driver if pair else None,
            () if missing else values,
            clip=None if index.clips is None else index.clips[driver],
            frame=None if index.frames is None else index.frames[driver],
            reason=f"{index.name(driver)} has no AU labels" if missing else None,
        )

    def _cross_subject(self, chosen: Sequence[int], seed: int, label: dict[int, str]) -> list[ImageSample]:
        """The AUs of every labelled image, requested of a portrait of another subject."""
        import random

        index = self.index
        portraits = self._portraits(chosen)
        draw = random.Random(seed)
        samples = []
        for driver in chosen:
            if index.reference is not None and index.reference[driver] < 0:
                continue
            source = draw.choice(portraits)
            # With one portrait per subject, the next one is of another subject.
            if index.subjects[source] == index.subjects[driver]:
                source = portraits[(portraits.index(source) + 1) % len(portraits)]
            if index.subjects[source] != index.subjects[driver]:
                samples.append(self._driven(source, driver, f"x-{label[driver]}", pair=False))
        return samples

    def _split_counts(self) -> str:
        return ", ".join(f"{list(self.index.splits).count(split)} in {split}" for split in SPLITS)

    def _refuse_unreadable(self, chosen: Sequence[int]) -> None:
        """Refuse a folder whose first images cannot be read; single unreadable images become NA later."""
        reason = ""
        for index in chosen[:_PROBED]:
            try:
                self.read(index)
            except Unavailable as error:
                reason = reason or str(error).rstrip(".")
            else:
                return
        raise self.published.error(self.root, f"none of its first images can be read: {reason}")


class UnlabelledImages(ImageSet):
    """Images without AU labels: expressions of a list are requested of each, and there are no target images.

    Args:
        root, size, crop, detector, au_space, splits: see `ImageSet`.
        aus: the target expressions: ``basic`` (six emotions), or expressions in the notation of
            `gath_bench.au.parse_aus`, separated by ``;``.
        csv: a CSV of AUs, whose rows are the targets; instead of ``aus``.
        labels: a label file of ``gath-bench label``: the AUs of the images. They are then the targets, as in a data set
            with AU labels, and the data set has a stream of frames.

    Raises:
        UsageError: see `ImageSet`; or the targets or the labels cannot be read.
    """

    def __init__(
        self,
        *,
        root: Path,
        size: int = 128,
        aus: str = "basic",
        csv: Path | None = None,
        crop: Crop = "face",
        detector: str | None = None,
        au_space: str = DEFAULT_SPACE,
        splits: Path | None = None,
        labels: Path | None = None,
    ) -> None:
        get_space(au_space)
        if csv is not None and aus != "basic":
            raise UsageError("aus and csv both give target AUs: give one of them.")
        if labels is not None and (csv is not None or aus != "basic"):
            raise UsageError("labels and aus or csv both give target AUs: give one of them.")
        self._targets: Sequence[Target] = ()
        if csv is not None:
            self._targets = read_targets(csv, au_space)
        elif labels is None:
            self._targets = parse_targets(aus, au_space)
        super().__init__(
            root=root,
            size=size,
            crop=crop,
            detector=detector,
            au_space=au_space,
            splits=splits,
            labels=labels,
        )

    def targets(self) -> Sequence[Target]:
        return self._targets

    def settings(self) -> str:
        return " ".join(f"{target.name} {target.values} {target.reason}" for target in self._targets)


def replace_splits(index: ImageIndex, path: Path) -> ImageIndex:
    """The index with the splits that a file declares per subject.

    Raises:
        UsageError: the file cannot be read, or has no split for a subject.
    """
    return replace(index, splits=apply_splits(index.subjects, read_splits(path), path))


def _stack(images: Sequence[Cropped], size: int) -> Tensor:
    import torch

    return torch.stack([item.image for item in images]) if images else torch.zeros(0, 3, size, size)
