"""The data set ``huggingface``: a Hugging Face data set on disk, by column mapping."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from gath_bench.au import DEFAULT_SPACE
from gath_bench.errors import Unavailable, UsageError, describe_error, did_you_mean
from gath_bench.images import decode_bytes
from gath_datasets.common.adapter import ImageSet
from gath_datasets.common.index import ImageIndex
from gath_datasets.common.published import Published
from gath_datasets.cropping import Crop
from gath_datasets.records.mapping import Columns

if TYPE_CHECKING:
    from torch import Tensor


class HuggingFace(ImageSet):
    """Images and AUs of a data set that ``Dataset.save_to_disk`` wrote; nothing is downloaded.

    The rows stay on disk (memory-mapped Arrow files): only labels are in memory.

    Args:
        root: the folder of a ``Dataset``, or of a ``DatasetDict``.
        part: the name in a ``DatasetDict``, such as ``train``. Subjects are split by hash whatever the part.
        image: the column of the images.
        aus: the column of the AUs, ``*`` for columns named as the AUs; empty for images without AUs. See `Columns`.
        subject: the column of the subject; empty if identities are unknown.
        clip: the column of the clip, for ``same-subject`` and ``clips``; empty if images are single photos.
        highest: the value of an AU that is coefficient 1: 1, or 5 for FACS intensities.
        size, crop, detector, au_space, splits: see `ImageSet`.
        labels: a label file of ``gath-bench label``: the AUs of the images, instead of columns.

    Raises:
        UsageError: there is no such data set, or a column is missing.
    """

    published: ClassVar[Published] = Published(
        "huggingface",
        ("dataset_info.json", "data-00000-of-00001.arrow (as Dataset.save_to_disk writes them)"),
        "the licence of the data set's card",
        "its authors",
    )

    def __init__(
        self,
        *,
        root: Path,
        part: str = "",
        image: str = "image",
        aus: str = "*",
        subject: str = "",
        clip: str = "",
        highest: float = 1.0,
        size: int = 128,
        crop: Crop = "face",
        detector: str | None = None,
        au_space: str = DEFAULT_SPACE,
        splits: Path | None = None,
        labels: Path | None = None,
    ) -> None:
        self.columns = Columns.choose(aus, subject, clip, highest, labels)
        self.has_identities = bool(subject)  # type: ignore[misc]
        self.part, self.image = part, image
        self._rows: Any = None
        super().__init__(
            root=root,
            size=size,
            crop=crop,
            detector=detector,
            au_space=au_space,
            splits=splits,
            labels=labels,
        )

    def settings(self) -> str:
        return f"{self.part} {self.image} {self.columns}"

    def read_index(self) -> ImageIndex:
        import datasets

        folder = self.published.folder(self.root, ".")
        try:
            loaded: Any = datasets.load_from_disk(str(folder))
        except Exception as error:  # many types, for files that are not of this format
            raise self.published.error(self.root, describe_error(error).rstrip(".")) from error
        if isinstance(loaded, datasets.DatasetDict):
            if self.part not in loaded:
                raise UsageError(
                    f"{self.root} has no part {self.part!r}: {did_you_mean(self.part, list(loaded))}"
                )
            loaded, folder = loaded[self.part], folder / self.part
        if self.image not in loaded.column_names:
            raise UsageError(
                f"there is no column {self.image!r}: {did_you_mean(self.image, loaded.column_names)}"
            )
        # As stored: this project's own decoder reads them, as it reads files.
        self._rows = loaded.cast_column(self.image, datasets.Image(decode=False))
        wanted = self.columns.wanted([name for name in loaded.column_names if name != self.image])
        labels = self._rows.select_columns(wanted) if wanted else None
        records = [{} if labels is None else labels[row] for row in range(len(loaded))]
        names = [f"{row:08d}.png" for row in range(len(loaded))]
        files = sorted(folder.glob("*.arrow"))
        return self.columns.index(folder, names, records, files, self.au_space)

    def read(self, index: int) -> Tensor:
        import torch

        stored = self._rows[index][self.image] or {}
        data = stored.get("bytes")
        if data is None and stored.get("path"):
            try:
                data = Path(stored["path"]).read_bytes()
            except OSError as error:
                raise Unavailable(
                    f"the image of row {index} cannot be read: {error.strerror or error}."
                ) from error
        if data is None:
            raise Unavailable(f"row {index} has no image.")
        pixels = decode_bytes(data, f"the image of row {index}")
        return torch.from_numpy(pixels).permute(2, 0, 1).contiguous()
