"""precomputed: a folder of images that another system generated.

The folder is flat: ``<sample_id>.png`` (or ``.jpg``, ``.jpeg``, ``.webp``), one image per sample, all square and of one
size. ``gath-bench render-list`` writes the inputs and the sample ids.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from gath_bench.contracts import Animated, ModelInfo, file_hash, fingerprint
from gath_bench.errors import Unavailable
from gath_bench.images import images_by_name, read_image, size_of

if TYPE_CHECKING:
    from torch import Tensor

#: What the folder holds, for messages.
_WANTED = "<sample_id>.png (or .jpg, .jpeg, .webp), as `gath-bench render-list` lists them"
NO_IMAGE = "precomputed: no image of this sample in the folder"


class Precomputed:
    """Returns images by sample id; a missing or unreadable image is NA with a reason.

    Args:
        root: the folder.

    Raises:
        UsageError: the folder does not exist or holds no image, or holds two images of one sample.
    """

    def __init__(self, *, root: Path) -> None:
        self.root = root
        self.files = images_by_name(root, _WANTED)

    @cached_property
    def info(self) -> ModelInfo:
        contents = (part for path in self.files.values() for part in (path.name, _hash(path)))
        return ModelInfo(
            fingerprint=fingerprint(*contents),
            resolution=self._resolution,
            needs=frozenset({"sample_id"}),
            timed=False,
        )

    def to(self, device: str) -> Precomputed:
        return self

    def animate(self, portraits: Tensor, target_aus: Tensor, *, sample_id: tuple[str, ...]) -> Animated:
        """The images of the samples, (B, 3, R, R) in the resolution of the folder."""
        side = self._resolution or portraits.shape[-1]
        images = portraits.new_zeros((len(sample_id), 3, side, side))
        missing: dict[int, str] = {}
        for position, name in enumerate(sample_id):
            try:
                images[position] = self._read(name, side)
            except Unavailable as reason:
                missing[position] = str(reason)
        return Animated(images, missing)

    def unmatched(self, sample_ids: Iterable[str]) -> tuple[str, ...]:
        """File names of the images that belong to none of these samples."""
        known = set(sample_ids)
        return tuple(path.name for name, path in self.files.items() if name not in known)

    def _read(self, name: str, side: int) -> Tensor:
        if name not in self.files:
            raise Unavailable(NO_IMAGE)
        image = read_image(self.files[name])
        height, width = image.shape[-2:]
        if (height, width) != (side, side):
            raise Unavailable(
                f"{self.files[name].name} is {width}x{height}, but the folder's images are {side}x{side}."
            )
        return image

    @cached_property
    def _resolution(self) -> int | None:
        """The side of the first readable square image; None if there is none."""
        for path in self.files.values():
            try:
                width, height = size_of(path)
            except Unavailable:
                continue
            if width == height:
                return width
        return None


def _hash(path: Path) -> str:
    try:
        return file_hash(path)
    except OSError:
        return "unreadable"
