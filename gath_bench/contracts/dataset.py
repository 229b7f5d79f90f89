"""Data sets: evaluation samples, and streams for unpaired training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from gath_bench.contracts.batch import Batch, Sample
from gath_bench.contracts.face import Template

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class DatasetInfo:
    """The properties of a data set, known before any sample is loaded.

    Attributes:
        au_space: the AU space of its target AUs.
        resolution: the evaluation resolution in pixels (images are square).
        domain: ``"synthetic"`` (synthfaces), ``"photo"``, or ``"mesh"`` (renderings of 3D face models); evaluators of
            another domain give NA.
        protocols: the protocols it supports, the default first.
        splits: the splits it has.
        licence: one line.
        has_target: whether its batches hold target images.
        template: where its images show the parts of a face; None where that is not known.
        labelled_by: component keys of the AU estimators that its AU labels come from. A model that is trained on it
            counts as trained against them.
        has_source: whether its batches hold source portraits. Without them ``Batch.source`` repeats the target, and
            models that animate portraits are NA.
    """

    au_space: str
    resolution: int
    domain: str
    protocols: tuple[str, ...]
    splits: tuple[str, ...]
    licence: str
    has_target: bool
    template: Template | None = None
    labelled_by: tuple[str, ...] = ()
    has_source: bool = True


@runtime_checkable
class DatasetAdapter(Protocol):
    """Lists its samples, and loads any of them.

    ``load`` must depend on the given samples only: any batch size and any order give the same images, so that a
    run can be resumed and distributed over ranks. It runs in a thread beside the model: use an own random
    generator, never torch's global one.
    """

    @property
    def info(self) -> DatasetInfo: ...

    @property
    def fingerprint(self) -> str:
        """SHA-256 (hex) over the content: files, labels or generator version, but no paths."""
        ...

    def samples(self, split: str, protocol: str, seed: int) -> Sequence[Sample]:
        """All samples of one split under one protocol, in a fixed order.

        Raises:
            UsageError: the folder has not the expected layout, or the split or protocol does not exist.
        """
        ...

    def load(self, samples: Sequence[Sample]) -> Batch:
        """Load samples in the given order; those that cannot be read are listed in ``Batch.unreadable``."""
        ...


@runtime_checkable
class HasMeanPortrait(Protocol):
    """A data set with a mean portrait, for the ``mean-frame`` baseline."""

    def mean_portrait(self) -> Tensor:
        """The pixelwise mean of portraits that are in no evaluated split, float32 (3, H, W) in [0, 1]."""
        ...


@runtime_checkable
class HasImages(Protocol):
    """A data set that lists its images, so that ``gath-bench label`` estimates the AUs of each of them once."""

    def image_samples(self) -> Sequence[Sample]:
        """Every image, in a fixed order.

        ``sample_id`` depends on file names and frame numbers only, so that labels fit the data set at any resolution
        and under any protocol.
        """
        ...

    def image_content(self, sample: Sample) -> str:
        """SHA-256 (hex) of the file that holds the image; labels of a file that has changed are not used."""
        ...

    def read_image(self, sample: Sample) -> Tensor:
        """The image as it is in the file, float32 (3, H, W), sRGB in [0, 1].

        Raises:
            Unavailable: it cannot be read, with the reason.
        """
        ...


@dataclass(frozen=True)
class StillsBatch:
    """Portraits with an auxiliary identity label and no AU labels.

    Attributes:
        images: float32 (B, 3, H, W), sRGB in [0, 1].
        identity: int64 (B,), in [0, number of identities).
    """

    images: Tensor
    identity: Tensor


@dataclass(frozen=True)
class FramesBatch:
    """Frames with AU coefficients and no identity labels.

    Attributes:
        images: float32 (B, 3, H, W), sRGB in [0, 1].
        aus: float32 (B, K) in [0, 1]; NaN only for AUs that no label of the data set covers.
        au_space: the AU space of ``aus``.
    """

    images: Tensor
    aus: Tensor
    au_space: str


@dataclass(frozen=True)
class ClipsBatch:
    """Two frames of one clip each: one person in one scene with two expressions, without identity labels.

    An extension of this project: the training data of GATH are unpaired (stills and frames). A model that is
    trained on clips has to say so.

    Attributes:
        source: float32 (B, 3, H, W), sRGB in [0, 1].
        source_aus: float32 (B, K) in [0, 1].
        target: float32 (B, 3, H, W), sRGB in [0, 1].
        target_aus: float32 (B, K) in [0, 1]. NaN as in `FramesBatch`.
        au_space: the AU space of both.
    """

    source: Tensor
    source_aus: Tensor
    target: Tensor
    target_aus: Tensor
    au_space: str


@dataclass(frozen=True)
class LabelledBatch:
    """Images with both kinds of labels, for training evaluators only: a model could pair them.

    Attributes:
        images: float32 (B, 3, H, W), sRGB in [0, 1].
        identity: int64 (B,), at least 0; images of one identity share neither scene nor expression.
        aus: float32 (B, K) in [0, 1].
        au_space: the AU space of ``aus``.
    """

    images: Tensor
    identity: Tensor
    aus: Tensor
    au_space: str


@runtime_checkable
class EvaluatorStream(Protocol):
    """A data set for training evaluators, of subjects that are in no split and no training stream."""

    def labelled(self, *, batch_size: int, seed: int, start: int = 0) -> Iterator[LabelledBatch]:
        """An endless stream; ``start`` is the first step to return, for a resumed training."""
        ...


@runtime_checkable
class StillsStream(Protocol):
    """Portraits with identity labels, for training."""

    def identities(self) -> int:
        """The number of identity labels in the stills stream."""
        ...

    def stills(self, *, batch_size: int, seed: int, start: int = 0) -> Iterator[StillsBatch]:
        """An endless stream; ``start`` is the first step to return, for a resumed training."""
        ...


@runtime_checkable
class FramesStream(Protocol):
    """Frames with AU labels, for training."""

    def frames(self, *, batch_size: int, seed: int, start: int = 0) -> Iterator[FramesBatch]:
        """An endless stream; ``start`` is the first step to return, for a resumed training."""
        ...


@runtime_checkable
class TrainingStreams(StillsStream, FramesStream, Protocol):
    """A data set for unpaired training. The two streams share no subjects."""


@runtime_checkable
class ClipStream(Protocol):
    """A data set that can feed paired training, from subjects in no split and in no other stream."""

    def clips(self, *, batch_size: int, seed: int, start: int = 0) -> Iterator[ClipsBatch]:
        """An endless stream; ``start`` is the first step to give, so that training can resume."""
        ...
