"""Label files: AUs that one AU estimator measured on the images of a data set, as Parquet.

One row per image:

=============  ===============================================================================================
``sample_id``  the name of the image in its data set
``content``    start of the SHA-256 of the file that holds the image; empty if the data set does not give it
``au_space``   the AU space of ``values``
``values``     AU coefficients in [0, 1], list of float32; null if no face was found
``estimator``  component key of the AU estimator, weights hash included
``confidence`` the face detector's confidence; null if the face was not looked for
``found``      whether there are values
``reason``     why not; null if there are
=============  ===============================================================================================

Estimator, detector, AU space and version of the format are part of the schema's metadata as well. A file holds the
labels of exactly one estimator, which is checked when it is read and when it is extended.

While labels are made, they are in shards, in a folder beside the file. A shard is written atomically, so that a killed
process loses the rows since the last shard and no others.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING, Any

from gath_bench.au import apply, find_map, get_space
from gath_bench.contracts import file_hash
from gath_bench.errors import UsageError
from gath_bench.files import atomic_write, remove_partial

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

#: Version of the format; a file of another version is refused.
VERSION = 1
#: Digits of ``content``.
CONTENT_DIGITS = 16
_METADATA = b"gath_bench.labels"


@dataclass(frozen=True)
class LabelInfo:
    """The identity of labels. Labels with different identities are never in one file.

    Attributes:
        estimator: component key of the AU estimator, such as ``synthfaces@1#ab12cd34``.
        au_space: the AU space of the values.
        detector: component key of the face detector; empty if faces were not looked for.
        version: of the format.
    """

    estimator: str
    au_space: str
    detector: str = ""
    version: int = VERSION


@dataclass(frozen=True)
class Label:
    """The label of one image; the fields are the columns of the file.

    Attributes:
        values: K coefficients in [0, 1]; None if no face was found.
        reason: why there are no values.
    """

    sample_id: str
    content: str
    values: tuple[float, ...] | None
    confidence: float | None = None
    reason: str | None = None


@dataclass(frozen=True)
class LabelFile:
    """The labels of a file.

    Attributes:
        path: the file.
        info: what made them.
        labels: by sample id.
    """

    path: Path
    info: LabelInfo
    labels: Mapping[str, Label]

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (hex) of the file."""
        return file_hash(self.path)

    def aus(self, sample_ids: Sequence[str], au_space: str) -> NDArray[np.float32]:
        """AU coefficients in an AU space, float32 (N, K); NaN rows for images without a label.

        AUs that the estimator's space does not cover are NaN.

        Raises:
            UsageError: there is no map from the estimator's AU space.
        """
        import numpy as np

        found = [self.labels.get(sample_id) for sample_id in sample_ids]
        empty = (float("nan"),) * len(get_space(self.info.au_space))
        own = np.array([label.values if label and label.values else empty for label in found], np.float32)
        own = own.reshape(len(sample_ids), len(empty))
        mapped = np.asarray(apply(find_map(self.info.au_space, au_space), own), np.float32)
        # A map may have constants; an image without a label has no AUs at all.
        mapped[np.isnan(own).all(1)] = np.nan
        return mapped

    def reason(self, sample_id: str) -> str | None:
        """Why an image has no AUs; None if it has."""
        label = self.labels.get(sample_id)
        if label is None:
            return f"{self.path.name} has no label of {sample_id}"
        return label.reason

    def check_content(self, sample_id: str, content: str, name: str) -> None:
        """Refuse labels of a file that has changed since.

        Args:
            sample_id: an image of the file; nothing is checked if it has no label.
            content: SHA-256 (hex) of the file now.
            name: what the message calls the file.

        Raises:
            UsageError: the labels are of other content.
        """
        label = self.labels.get(sample_id)
        if label is not None and label.content and label.content != content[:CONTENT_DIGITS]:
            raise UsageError(
                f"{name} has changed since {self.path} was made: run `gath-bench label` with the same options again."
            )


def read_labels(path: Path, *, estimator: str | None = None) -> LabelFile:
    """Read a label file.

    Args:
        path: a Parquet file that ``gath-bench label`` wrote.
        estimator: the component key that the labels must have; None takes those of any one estimator.

    Raises:
        UsageError: there is no such file, it is of another kind or version, it holds labels of several estimators or
            two labels of one image, or it is of another estimator.
    """
    table = _read(path)
    info, labels = _contents(path, table)
    if len(labels) < table.num_rows:
        raise UsageError(f"{path} holds two labels of one image: delete it and run `gath-bench label` again.")
    if estimator is not None and info.estimator != estimator:
        raise UsageError(f"{path} holds labels by {info.estimator}, not by {estimator}: give another file.")
    return LabelFile(path, info, labels)


class LabelWriter:
    """Writes a label file shard by shard.

    Args:
        path: the file. Its labels, if it exists, and the shards of a killed process are kept.
        info: the identity of the labels.

    Raises:
        UsageError: the file or a shard has another identity, or the folder cannot be written.
    """

    def __init__(self, path: Path, info: LabelInfo) -> None:
        self.path, self.info = path, info
        self.labels: dict[str, Label] = {}
        self._folder = path.with_name(f"{path.name}.shards")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"cannot write {path}: {error.strerror or error}; check the folder.") from error
        remove_partial(self._folder)
        remove_partial(path.parent, f"{path.name}.*")
        for source in (*([path] if path.exists() else []), *self._shards()):
            self._keep(source)

    def add(self, labels: Sequence[Label]) -> None:
        """Write labels as one shard."""
        import pyarrow.parquet as pq

        if not labels:
            return
        numbers = [int(shard.stem) for shard in self._shards()]
        with atomic_write(self._folder / f"{max(numbers, default=-1) + 1:08d}.parquet") as file:
            pq.write_table(_table(labels, self.info), file, compression="zstd")
        self.labels.update({label.sample_id: label for label in labels})

    def finish(self, sample_ids: Iterable[str]) -> None:
        """Write the file, with the labels of these images in this order, and remove the shards."""
        import pyarrow.parquet as pq

        wanted = [self.labels[sample_id] for sample_id in dict.fromkeys(sample_ids)]
        with atomic_write(self.path) as file:
            pq.write_table(_table(wanted, self.info), file, compression="zstd")
        rmtree(self._folder)

    def _shards(self) -> list[Path]:
        return sorted(self._folder.glob("*.parquet"))

    def _keep(self, source: Path) -> None:
        info, labels = _contents(source, _read(source))
        if info != self.info:
            differs = next(name for name, value in asdict(info).items() if value != getattr(self.info, name))
            raise UsageError(
                f"{source} holds labels of another kind ({differs} {getattr(info, differs)}, not "
                f"{getattr(self.info, differs)}): give another file with -o."
            )
        self.labels.update(labels)


def _table(labels: Sequence[Label], info: LabelInfo) -> pa.Table:
    import pyarrow as pa

    word = pa.dictionary(pa.int32(), pa.string())
    columns: dict[str, tuple[pa.DataType, list[Any]]] = {
        "sample_id": (pa.string(), [label.sample_id for label in labels]),
        "content": (pa.string(), [label.content for label in labels]),
        "au_space": (word, [info.au_space] * len(labels)),
        "values": (pa.list_(pa.float32()), [label.values for label in labels]),
        "estimator": (word, [info.estimator] * len(labels)),
        "confidence": (pa.float32(), [label.confidence for label in labels]),
        "found": (pa.bool_(), [label.values is not None for label in labels]),
        "reason": (word, [label.reason for label in labels]),
    }
    arrays = [
        pa.array(values, pa.string()).dictionary_encode() if kind == word else pa.array(values, kind)
        for kind, values in columns.values()
    ]
    schema = pa.schema(
        [pa.field(name, kind) for name, (kind, _) in columns.items()],
        metadata={_METADATA: json.dumps(asdict(info))},
    )
    return pa.Table.from_arrays(arrays, schema=schema)


def _read(path: Path) -> pa.Table:
    # Not pq.read_table, which imports pandas.
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            return file.read()
    except FileNotFoundError:
        raise UsageError(f"there is no label file {path}: `gath-bench label DATASET` writes one.") from None
    except (pa.ArrowInvalid, OSError) as error:
        raise UsageError(f"{path} is not a label file: give one that `gath-bench label` wrote.") from error


def _contents(path: Path, table: pa.Table) -> tuple[LabelInfo, dict[str, Label]]:
    """Identity and labels of a table, after checks of both."""
    try:
        described = json.loads((table.schema.metadata or {})[_METADATA])
        if described.get("version") != VERSION:
            raise UsageError(
                f"{path} has version {described.get('version')} of the label format, not {VERSION}: label again."
            )
        info = LabelInfo(**described)
        columns = {name: table[name].to_pylist() for name in table.column_names}
        names = ("sample_id", "content", "values", "confidence", "reason")
        rows = [Label(*row) for row in zip(*(columns[name] for name in names), strict=True)]
        makers = set(zip(columns["estimator"], columns["au_space"], strict=True))
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"{path} is not a label file: give one that `gath-bench label` wrote.") from error
    if makers - {(info.estimator, info.au_space)}:
        listed = ", ".join(sorted({str(estimator) for estimator, _ in makers}))
        raise UsageError(
            f"{path} mixes labels of several estimators ({listed}): keep one file per estimator."
        )
    count = len(get_space(info.au_space))
    if any(row.values is not None and len(row.values) != count for row in rows):
        raise UsageError(
            f"{path} has a row that has not {count} values, as {info.au_space} has: label again."
        )
    labels = {
        row.sample_id: Label(
            row.sample_id,
            row.content,
            None if row.values is None else tuple(row.values),
            row.confidence,
            row.reason,
        )
        for row in rows
    }
    return info, labels
