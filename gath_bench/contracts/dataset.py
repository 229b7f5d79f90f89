"""Data sets: evaluation samples on one side, unpaired training streams on the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from gath_bench.contracts.batch import Batch, Sample

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class DatasetInfo:
    """What a data set says of itself before anything is loaded.

    Attributes:
        au_space: the AU space of its target AUs.
        resolution: the evaluation resolution in pixels (images are square).
        domain: ``"synthetic"`` or ``"photo"``; evaluators made for another domain answer NA.
        protocols: the protocols it can serve, the default first.
        splits: the splits it can serve.
        licence: one line.
        has_target: whether its batches hold target images.
    """

    au_space: str
    resolution: int
    domain: str
    protocols: tuple[str, ...]
    splits: tuple[str, ...]
    licence: str
    has_target: bool


@runtime_checkable
class DatasetAdapter(Protocol):
    """A list of samples and a way to load any of them.

    ``load`` must depend on nothing but the samples it is given: any batch size and any order give the same
    images, which is what lets a run be resumed and shared out over ranks. It runs beside the model, in a thread
    of its own: random numbers come from a generator of the adapter's, never from torch's global one.
    """

    @property
    def info(self) -> DatasetInfo: ...

    @property
    def fingerprint(self) -> str:
        """SHA-256 (hex) over the content: files, labels or generator version; never over a path."""
        ...

    def samples(self, split: str, protocol: str, seed: int) -> Sequence[Sample]:
        """All samples of one split under one protocol, in a fixed order.

        Raises:
            UsageError: the folder is not as published, or the split or protocol is not served.
        """
        ...

    def load(self, samples: Sequence[Sample]) -> Batch:
        """Load samples, in the order given; what cannot be read goes to ``Batch.unreadable``."""
        ...


@runtime_checkable
class HasMeanPortrait(Protocol):
    """A data set that can name an average portrait, for the ``mean-frame`` baseline."""

    def mean_portrait(self) -> Tensor:
        """The pixelwise mean of portraits outside every evaluated split, float32 (3, H, W) in [0, 1]."""
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
        aus: float32 (B, K) in [0, 1].
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
        target_aus: float32 (B, K) in [0, 1].
        au_space: the AU space of both.
    """

    source: Tensor
    source_aus: Tensor
    target: Tensor
    target_aus: Tensor
    au_space: str


@dataclass(frozen=True)
class LabelledBatch:
    """Images that carry both labels, for training evaluators only: whoever has both could pair them.

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
    """A data set that can feed the training of evaluators, from subjects in no split and in no training stream."""

    def labelled(self, *, batch_size: int, seed: int, start: int = 0) -> Iterator[LabelledBatch]:
        """An endless stream; ``start`` is the first step to give, so that training can resume."""
        ...


@runtime_checkable
class TrainingStreams(Protocol):
    """A data set that can feed unpaired training. The subjects of the two streams are disjoint."""

    def identities(self) -> int:
        """The number of identity labels in the stills stream."""
        ...

    def stills(self, *, batch_size: int, seed: int, start: int = 0) -> Iterator[StillsBatch]:
        """An endless stream; ``start`` is the first step to give, so that training can resume."""
        ...

    def frames(self, *, batch_size: int, seed: int, start: int = 0) -> Iterator[FramesBatch]:
        """An endless stream; ``start`` is the first step to give, so that training can resume."""
        ...


@runtime_checkable
class ClipStream(Protocol):
    """A data set that can feed paired training, from subjects in no split and in no other stream."""

    def clips(self, *, batch_size: int, seed: int, start: int = 0) -> Iterator[ClipsBatch]:
        """An endless stream; ``start`` is the first step to give, so that training can resume."""
        ...
