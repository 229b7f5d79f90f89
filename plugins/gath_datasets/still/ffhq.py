"""FFHQ: portraits aligned by their owners, without identities or AU labels."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from gath_bench.au import DEFAULT_SPACE
from gath_bench.contracts import Template
from gath_bench.errors import UsageError
from gath_datasets.common.adapter import UnlabelledImages
from gath_datasets.common.index import ImageIndex, list_files
from gath_datasets.common.published import Published
from gath_datasets.common.splits import held_out_of_train
from gath_datasets.cropping import Crop

#: The images before this one are published for training, the 10,000 others for validation.
_VALIDATION = 60_000
#: Where FFHQ shows the parts of a face. Its script (``download_ffhq.py``, ``recreate_aligned_images``) centres the
#: square 0.1 of the way from eyes to mouth below the eyes and makes it 3.6 times that way wide: the eyes lie at
#: 1/2 - 0.1/3.6 and the mouth at 1/2 + 0.9/3.6 of the height. The script does not fix the distance of the eyes; it is
#: taken from the template ``synthfaces``, relative to the way from eyes to mouth.
FFHQ_TEMPLATE = Template(
    "ffhq", 128, {"left_eye": (48.7, 59.9), "right_eye": (78.3, 59.9), "mouth": (63.5, 95.5)}
)


class FFHQ(UnlabelledImages):
    """Flickr-Faces-HQ. The images are square and aligned, and are taken as they are by default.

    Args:
        root: the folder with ``thumbnails128x128`` or ``images1024x1024``.
        size, aus, csv, crop, detector, au_space, splits, labels: see `UnlabelledImages`.

    Raises:
        UsageError: see `UnlabelledImages`.
    """

    published: ClassVar[Published] = Published(
        "ffhq",
        ("thumbnails128x128/00000/00000.png (or images1024x1024/00000/00000.png)",),
        "CC BY-NC-SA 4.0 (NVIDIA); each image under the licence its author gave on Flickr",
        "Karras, Laine & Aila, A Style-Based Generator Architecture for GANs, CVPR 2019",
    )
    has_identities = False
    native_template = FFHQ_TEMPLATE

    def __init__(
        self,
        *,
        root: Path,
        size: int = 128,
        aus: str = "basic",
        csv: Path | None = None,
        crop: Crop = "none",
        detector: str | None = None,
        au_space: str = DEFAULT_SPACE,
        splits: Path | None = None,
        labels: Path | None = None,
    ) -> None:
        super().__init__(
            root=root,
            size=size,
            aus=aus,
            csv=csv,
            crop=crop,
            detector=detector,
            au_space=au_space,
            splits=splits,
            labels=labels,
        )

    def read_index(self) -> ImageIndex:
        folder = self.published.folder(self.root, "thumbnails128x128", "images1024x1024")
        paths = list_files(folder)
        names = [path.rsplit("/", 1)[-1].rsplit(".", 1)[0] for path in paths]
        for path, name in zip(paths, names, strict=True):
            if not name.isdigit():
                raise UsageError(
                    f"{folder / path} is not an FFHQ image: names are numbers, such as 00000.png."
                )
        splits = ["test" if int(name) >= _VALIDATION else held_out_of_train(name) for name in names]
        return ImageIndex(folder, paths, names, splits)
