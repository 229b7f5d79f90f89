"""The data set ``portraits``: real photos with target expressions but without target images.

The oracle and every metric that needs a target image are NA here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from gath_bench.au import DEFAULT_SPACE, get_space
from gath_bench.contracts import Batch, DatasetInfo, Sample, Template, Unreadable, file_hash, fingerprint
from gath_bench.errors import Unavailable, UsageError, did_you_mean
from gath_bench.images import SUFFIXES, read_image
from gath_bench.labels import read_labels
from gath_datasets.cropping import Crop, Cropped, Cropper, stack_masks
from gath_datasets.files import MediaFile, find_files
from gath_datasets.portraits.targets import Target, parse_targets, read_targets, sweep

if TYPE_CHECKING:
    from torch import Tensor

#: How portraits are cropped where nothing is said.
DEFAULT_CROP: Crop = "face"
#: Left, top, right, bottom of the face crop of scikit-image's ``astronaut``; the face fills about 3/4 of its height.
ASTRONAUT_BOX = (138, 24, 314, 200)
#: Where that crop shows the parts of the face, by MediaPipe's Face Landmarker.
ASTRONAUT = Template(
    "astronaut",
    ASTRONAUT_BOX[2] - ASTRONAUT_BOX[0],
    {
        "left_eye": (65.2, 76.9),
        "right_eye": (108.0, 79.2),
        "nose_base": (85.0, 108.9),
        "mouth": (84.8, 118.5),
    },
)
_ASTRONAUT = MediaFile(Path("astronaut"), "astronaut", "astronaut", "astronaut")
_FILES = {"kind": "images", "wanted": "PNG, JPEG or WebP portraits", "default": "portrait"}
#: Decoded portraits in the cache. Samples of one portrait are consecutive, so a few are enough.
_CACHED = 4


@dataclass(frozen=True)
class PortraitSample(Sample):
    """A portrait, its target expression, and which of its faces is used (0 is the largest)."""

    portrait: MediaFile
    target: Target
    face: int = 0


class Portraits:
    """Portraits of a file, a flat folder or a folder per subject; by default the portrait of scikit-image.

    Args:
        root: the file or folder; None is the built-in portrait.
        size: the evaluation resolution in pixels.
        aus: the target expressions: ``basic`` (six emotions), ``sweep``, or expressions in the notation of
            `gath_bench.au.parse_aus`, separated by ``;``.
        csv: a CSV of AUs, whose rows are the targets; instead of ``aus``.
        crop: ``face`` aligns the largest face to the framing of synthfaces; ``centre`` takes the largest centred
            square; ``none`` takes square images only.
        faces: ``largest``, or ``all``: each face of a portrait is a subject, whose name ends in ``-face2``,
            ``-face3`` ... from the second largest on; for ``crop=face``.
        detector: component name of the face detector, for ``crop=face``; the bundled one by default.
        au_space: the AU space of the targets.
        labels: a label file of ``gath-bench label``: the portraits' own AUs.

    Raises:
        UsageError: ``root`` does not exist or holds no image, or the targets cannot be read.
    """

    def __init__(
        self,
        *,
        root: Path | None = None,
        size: int = 128,
        aus: str = "basic",
        csv: Path | None = None,
        crop: Crop = DEFAULT_CROP,
        faces: Literal["largest", "all"] = "largest",
        detector: str | None = None,
        au_space: str = DEFAULT_SPACE,
        labels: Path | None = None,
    ) -> None:
        if size < 1:
            raise UsageError(f"size={size} is not a resolution: give the side in pixels, such as 128.")
        get_space(au_space)
        if csv is not None and aus != "basic":
            raise UsageError("aus and csv both give target AUs: give one of them.")
        if faces == "all" and crop != "face":
            raise UsageError(f"faces=all needs crop=face, but crop is {crop}: remove one of them.")
        self.root, self.size, self.crop, self.au_space = root, size, crop, au_space
        self._all_faces = faces == "all"
        self._sweeps = csv is None and aus.strip() == "sweep"
        self._targets: tuple[Target, ...] = ()
        if csv is not None:
            self._targets = read_targets(csv, au_space)
        elif not self._sweeps:
            self._targets = parse_targets(aus, au_space)
        self.portraits = (_ASTRONAUT,) if root is None else find_files(root, SUFFIXES, **_FILES)
        self._labels = None if labels is None else read_labels(labels)
        if self._labels is not None:
            if faces == "all":
                raise UsageError("labels are of the largest face: remove faces=all or labels.")
            for portrait in self.portraits:
                self._labels.check_content(portrait.name, self._content_hash(portrait), portrait.relative)
        self._cropper = Cropper(crop, size, detector)
        self._portrait: Callable[[MediaFile, int], Cropped] = lru_cache(maxsize=_CACHED)(self._read)

    @property
    def info(self) -> DatasetInfo:
        return DatasetInfo(
            au_space=self.au_space,
            resolution=self.size,
            domain="photo",
            protocols=("sweep",) if self._sweeps else ("same-subject", "sweep"),
            splits=("test",),
            licence=(
                "NASA, public domain (Eileen Collins, as scikit-image ships it)"
                if self.root is None
                else "the user's own images"
            ),
            has_target=False,
            labelled_by=() if self._labels is None else (self._labels.info.estimator,),
            template=ASTRONAUT if self.root is None and self.crop != "face" else self._cropper.template,
        )

    @cached_property
    def fingerprint(self) -> str:
        portraits = (part for item in self.portraits for part in (item.relative, self._content_hash(item)))
        targets = (f"{item.name} {item.values} {item.reason}" for item in self._targets)
        settings = f"{self.au_space} {self._cropper.fingerprint}{' all faces' * self._all_faces}"
        labels = () if self._labels is None else (self._labels.fingerprint,)
        return fingerprint(settings, *portraits, *targets, *labels)

    def image_samples(self) -> Sequence[PortraitSample]:
        """Every portrait, for `gath-bench label`."""
        unused = Target("", ())
        return [
            PortraitSample(portrait.name, portrait.subject, portrait, unused) for portrait in self.portraits
        ]

    def image_content(self, sample: Sample) -> str:
        """SHA-256 (hex) of the portrait's file."""
        return self._content_hash(_own(sample).portrait)

    def read_image(self, sample: Sample) -> Tensor:
        """The portrait as it is in its file, float32 (3, H, W) in [0, 1].

        Raises:
            Unavailable: it cannot be read.
        """
        return self._image(_own(sample).portrait)

    def samples(self, split: str, protocol: str, seed: int) -> Sequence[PortraitSample]:
        """Every target of every portrait, ordered by portrait; the seed has no effect."""
        info = self.info
        for word, asked, served in (("split", split, info.splits), ("protocol", protocol, info.protocols)):
            if asked not in served:
                raise UsageError(f"portraits has no {word} {asked!r}: {did_you_mean(asked, served)}")
        self._refuse_unreadable()
        targets = sweep(self.au_space) if protocol == "sweep" else self._targets
        return [
            PortraitSample(
                f"{portrait.name}{suffix}--{target.name}",
                f"{portrait.subject}{suffix}",
                portrait,
                target,
                face,
            )
            for portrait in self.portraits
            for face, suffix in enumerate(self._faces(portrait))
            for target in targets
        ]

    def load(self, samples: Sequence[Sample]) -> Batch:
        """The portraits, cropped, resized and rounded to 8 bits, with their target AUs."""
        import torch

        kept: list[PortraitSample] = []
        cropped: list[Cropped] = []
        unreadable: list[Unreadable] = []
        for sample in samples:
            sample = _own(sample)
            try:
                if sample.target.reason is not None:
                    raise Unavailable(sample.target.reason)
                cropped.append(self._portrait(sample.portrait, sample.face))
                kept.append(sample)
            except Unavailable as reason:
                unreadable.append(Unreadable(sample.sample_id, sample.subject, str(reason)))
        count = len(get_space(self.au_space))
        swept = tuple(sample.target.swept_au or "" for sample in kept)
        return Batch(
            sample_id=tuple(sample.sample_id for sample in kept),
            subject=tuple(sample.subject for sample in kept),
            source=(
                torch.stack([item.image for item in cropped])
                if cropped
                else torch.zeros(0, 3, self.size, self.size)
            ),
            target_aus=torch.tensor([sample.target.values for sample in kept]).reshape(-1, count),
            au_space=self.au_space,
            source_aus=self._source_aus(kept),
            face_mask=stack_masks(cropped),
            swept_au=swept if swept and all(swept) else None,
            unreadable=tuple(unreadable),
        )

    def _source_aus(self, samples: Sequence[PortraitSample]) -> Tensor | None:
        """The portraits' own AUs by the label file, float32 (B, K); None without one."""
        import torch

        if self._labels is None:
            return None
        return torch.from_numpy(self._labels.aus([sample.portrait.name for sample in samples], self.au_space))

    def _faces(self, portrait: MediaFile) -> list[str]:
        """The endings of the names of a portrait's faces."""
        count = 1
        if self._all_faces:
            with suppress(Unavailable):  # `load` gives the reason
                count = self._cropper.count(self._image(portrait))
        return ["", *(f"-face{number}" for number in range(2, count + 1))]

    def _read(self, portrait: MediaFile, face: int) -> Cropped:
        name = "the built-in portrait" if self.root is None else portrait.relative
        return self._cropper(self._image(portrait), name, face)

    def _image(self, portrait: MediaFile) -> Tensor:
        return _astronaut(whole=self.crop == "face") if self.root is None else read_image(portrait.path)

    def _refuse_unreadable(self) -> None:
        """Refuse a folder without any readable image; single unreadable images become NA later.

        Raises:
            UsageError: no image can be read.
        """
        first = None
        for portrait in self.portraits:
            try:
                self._portrait(portrait, 0)
            except Unavailable as reason:
                first = first or str(reason).rstrip(".")
            else:
                return
        raise UsageError(
            f"none of the {len(self.portraits)} images in {self.root} can be used ({first}): "
            "give PNG, JPEG or WebP portraits."
        )

    def _content_hash(self, portrait: MediaFile) -> str:
        if self.root is None:
            return fingerprint(_astronaut(whole=self.crop == "face").numpy().tobytes())
        try:
            return file_hash(portrait.path)
        except OSError:
            return "unreadable"


def _own(sample: Sample) -> PortraitSample:
    if not isinstance(sample, PortraitSample):
        raise TypeError(f"portraits can only load its own samples, not {sample!r}")
    return sample


def _astronaut(*, whole: bool) -> Tensor:
    """scikit-image's ``astronaut`` or its face, float32 (3, H, W) in [0, 1]; the file is part of its wheel."""
    import torch
    from skimage import data

    astronaut: Any = data.astronaut
    left, top, right, bottom = ASTRONAUT_BOX
    pixels = astronaut().copy() if whole else astronaut()[top:bottom, left:right].copy()
    return torch.from_numpy(pixels).permute(2, 0, 1).float() / 255
