"""Framing of a batch: aligns images to the template that a model or an evaluator expects.

Where the images have a template of their own, the two templates give a fixed transform. Where their framing is not
known, a face detector finds the largest face in every image. An image without a face is missing, with that reason: it
is never passed on unaligned.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gath_bench.contracts.face import Face, FaceDetector, Template
from gath_bench.errors import Unavailable
from gath_bench.faces.align import SimilarityTransform, between, estimate, extract
from gath_bench.faces.paste import paste_back

if TYPE_CHECKING:
    from torch import Tensor

NO_FACE = "no face was found in the {what} image"


@dataclass(frozen=True)
class Aligned:
    """The aligned crops of a batch.

    Attributes:
        crops: float32 (N, 3, size, size), of the images that have a face.
        positions: N positions in the batch.
        transforms: N transforms from crop to image.
        missing: position in the batch -> reason.
    """

    crops: Tensor
    positions: list[int]
    transforms: list[SimilarityTransform]
    missing: dict[int, str]

    def paste(self, images: Tensor, crops: Tensor) -> Tensor:
        """Edited crops (N, 3, S, S) back in their images (B, 3, H, W); images without a face stay as they are."""
        from gath_bench.images import resize

        result = images.clone()
        edited = resize(crops, self.crops.shape[-1])
        for crop, before, position, transform in zip(
            edited, self.crops, self.positions, self.transforms, strict=True
        ):
            result[position] = paste_back(images[position], crop, transform, before=before)
        return result


def _by_images() -> MutableMapping[Tensor, list[Face | None]]:
    """A mapping by the identity of a tensor, which forgets tensors that no longer exist."""
    from torch.utils.weak import WeakIdKeyDictionary

    return WeakIdKeyDictionary()


@dataclass(frozen=True)
class Framing:
    """Aligns the images of one data set.

    Attributes:
        template: how the images are framed; None where that is not known.
        detector: gives the face detector on its device; called on first use.
    """

    template: Template | None
    detector: Callable[[], FaceDetector]
    _faces: MutableMapping[Tensor, list[Face | None]] = field(default_factory=_by_images, repr=False)

    def differs(self, template: Template | None) -> bool:
        """Whether images have to be aligned for a template; None takes images as they are."""
        return template is not None and template != self.template

    def align(self, images: Tensor, template: Template, size: int, what: str) -> Aligned:
        """Crops in which faces lie as in a template.

        Args:
            images: float32 (B, 3, H, W) in [0, 1].
            template: the wanted framing.
            size: side of the crops in pixels.
            what: what the images are called in reasons: ``"source"``, ``"generated"``, ``"target"``.

        Raises:
            Unavailable: there is no detector, or the templates have no points in common.
        """
        import torch

        found: dict[int, SimilarityTransform] = {}
        missing: dict[int, str] = {}
        if self.template is not None:
            fixed = between(self.template, images.shape[-1], template, size)
            found = dict.fromkeys(range(len(images)), fixed)
        else:
            for position, face in enumerate(self._largest(images)):
                try:
                    if face is None:
                        raise Unavailable(NO_FACE.format(what=what))
                    found[position] = estimate(face, template, size)
                except Unavailable as reason:
                    missing[position] = str(reason)
        crops = [extract(images[position], transform, size) for position, transform in found.items()]
        stacked = torch.stack(crops) if crops else images.new_zeros(0, 3, size, size)
        return Aligned(stacked, list(found), list(found.values()), missing)

    def _largest(self, images: Tensor) -> Sequence[Face | None]:
        """The largest face of every image; all models and evaluators that get a batch share the search."""
        faces = self._faces.get(images)
        if faces is None:
            copies = list(images.clone())  # a detector may normalise in place
            faces = [found[0] if found else None for found in self.detector().detect(copies)]
            self._faces[images] = faces
        return faces
