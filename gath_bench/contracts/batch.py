"""Samples and batches: the output of data sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Sample:
    """The name of one sample. Listing samples reads and renders no image.

    Adapters subclass it with the fields that they need to load the sample.

    Attributes:
        sample_id: unique within (data set, split, protocol, seed); also a legal file name stem.
        subject: the identity of the source portrait; intervals are bootstrapped over it.
    """

    sample_id: str
    subject: str


@dataclass(frozen=True)
class Unreadable:
    """A sample without an image, with the reason. It is recorded as NA."""

    sample_id: str
    subject: str
    reason: str


@dataclass(frozen=True)
class Batch:
    """B samples, loaded.

    Attributes:
        sample_id: B names.
        subject: B subjects.
        source: the source portraits, float32 (B, 3, H, W), sRGB in [0, 1].
        target_aus: the requested AU coefficients, float32 (B, K) in [0, 1]; NaN where an AU is not
            covered by the data set's labels.
        au_space: the AU space of ``target_aus`` and ``source_aus``.
        source_aus: the AU coefficients of the source portraits, float32 (B, K), if known.
        target: the target images, float32 (B, 3, H, W), if the data set has them.
        face_mask: mask of the face in source or target, float32 (B, 1, H, W) in [0, 1], if known.
        swept_au: under the sweep protocol, the AU that each sample varies.
        clip: B clip names, if the samples are frames of clips.
        frame: B frame indices, if the samples are frames of clips.
        unreadable: requested samples that could not be loaded; they are not among the B.
    """

    sample_id: tuple[str, ...]
    subject: tuple[str, ...]
    source: Tensor
    target_aus: Tensor
    au_space: str
    source_aus: Tensor | None = None
    target: Tensor | None = None
    face_mask: Tensor | None = None
    swept_au: tuple[str, ...] | None = None
    clip: tuple[str, ...] | None = None
    frame: tuple[int, ...] | None = None
    unreadable: tuple[Unreadable, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.sample_id)

    def select(self, positions: Sequence[int]) -> Batch:
        """The samples at some positions, without the unreadable ones."""
        kept = list(positions)

        def picked(value: Any) -> Any:
            # Every field with B entries is a tuple or a tensor.
            return tuple(value[i] for i in kept) if isinstance(value, tuple) else value[kept]

        fields = {
            name: picked(value)
            for name, value in vars(self).items()
            if value is not None and name not in ("au_space", "unreadable")
        }
        return replace(self, **fields, unreadable=())
