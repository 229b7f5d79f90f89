"""Writes portraits and AUs for a system outside Python, and a suite that scores its images.

A render list is a folder::

    portraits/<sample_id>.png   the source portraits, 8-bit, at the evaluation resolution
    aus.csv                     sample_id, subject, portrait, then the target AU coefficients in [0, 1]
    output/                     empty: the system writes <sample_id>.png here
    suite.toml, README.txt      how to score the images
"""

from __future__ import annotations

import csv
import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gath_bench.au import get_space
from gath_bench.contracts import Batch, ComponentName, DatasetAdapter, DatasetInfo, Unreadable
from gath_bench.engine.outputs import checked_batch
from gath_bench.errors import UsageError, describe_error, did_you_mean
from gath_bench.images import write_png
from gath_bench.suite import quick_suite
from gath_bench.suite.checks import check_samples

if TYPE_CHECKING:
    from torch import Tensor

#: Samples per loaded batch.
_BATCH = 16

_README = """\
A render list of gath-bench.

Read aus.csv. For every row, animate the portrait in the column `portrait` (a path below this folder) with the
action unit coefficients in the AU columns, and write the image to

    output/<sample_id>.png

Rows:        {rows}
AU space:    {space} ({columns}), coefficients in [0, 1]; {scale}
Images:      square, sRGB; the evaluation resolution is {resolution} x {resolution}. Use one size for
             all: another size is resized with a fixed filter, and the table says so. PNG is best; .jpg, .jpeg and .webp
             are read too, but their losses are scored with the rest.
Empty cells: the data set has no label of that AU; leave it unchanged, or use 0.
A missing image is counted as missing, and the table shows the coverage.

Then score the images, in the folder in which `gath-bench render-list` was called:

    {command}
{unreadable}"""


@dataclass(frozen=True)
class RenderList:
    """A render list on disk.

    Attributes:
        directory: its folder.
        samples: the number of rows of ``aus.csv``.
        unreadable: samples that could not be loaded; they are not in the list.
        command: the command that scores the images, quoted for a POSIX shell.
    """

    directory: Path
    samples: int
    unreadable: tuple[Unreadable, ...]
    command: str


def write_render_list(
    dataset: DatasetAdapter,
    dataset_name: str,
    split: str,
    protocol: str | None,
    seed: int,
    limit: int | None,
    directory: Path,
) -> RenderList:
    """Write the render list of one data set under one protocol.

    Args:
        dataset: the data set.
        dataset_name: its component name, with parameters.
        split: the split.
        protocol: the protocol; None takes the data set's default.
        seed: the seed of the samples.
        limit: the maximum number of samples; None takes all.
        directory: a new or empty folder.

    Raises:
        UsageError: the folder is not empty or cannot be written, or the split or protocol does not exist.
    """
    info = dataset.info
    chosen = info.protocols[0] if protocol is None else protocol
    for kind, name, known in (("split", split, info.splits), ("protocol", chosen, info.protocols)):
        if name not in known:
            raise UsageError(f"{dataset_name} has no {kind} {name!r}: {did_you_mean(name, known)}")
    samples = dataset.samples(split, chosen, seed)[:limit]
    check_samples(dataset_name, samples)  # their ids become file names
    if not samples:
        raise UsageError(f"{dataset_name} has no samples in split {split!r} under {chosen!r}.")
    try:
        _make_folder(directory)
        command = "gath-bench run {} -m {}".format(
            shlex.quote((directory / "suite.toml").as_posix()),
            shlex.quote(str(ComponentName("precomputed", {"root": (directory / "output").as_posix()}))),
        )
        unreadable: list[Unreadable] = []
        rows = 0
        with (directory / "aus.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["sample_id", "subject", "portrait", *get_space(info.au_space).labels])
            for start in range(0, len(samples), _BATCH):
                chunk = samples[start : start + _BATCH]
                batch = checked_batch(dataset.load(chunk), chunk, info)
                writer.writerows(_write_batch(batch, directory))
                unreadable += batch.unreadable
                rows += len(batch)
        suite = _suite(dataset_name, split, chosen, seed, len(samples))
        (directory / "suite.toml").write_text(suite, encoding="utf-8")
        readme = _readme(info, rows, command, unreadable)
        (directory / "README.txt").write_text(readme, encoding="utf-8")
    except (TypeError, ValueError) as error:
        raise UsageError(f"{dataset_name} cannot be loaded: {describe_error(error)}.") from error
    except OSError as error:
        raise UsageError(
            f"the render list cannot be written to {directory}: {error.strerror or error}; "
            "give another folder."
        ) from error
    return RenderList(directory, rows, tuple(unreadable), command)


def _make_folder(directory: Path) -> None:
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise UsageError(f"{directory} exists and is not an empty folder: give a new one.")
    for part in ("portraits", "output"):
        (directory / part).mkdir(parents=True, exist_ok=True)


def _write_batch(batch: Batch, directory: Path) -> list[list[str]]:
    """Write the portraits of a batch; return its rows."""
    rows = []
    for position, name in enumerate(batch.sample_id):
        portrait = f"portraits/{name}.png"
        write_png(directory / portrait, batch.source[position])
        rows.append([name, batch.subject[position], portrait, *_cells(batch.target_aus[position])])
    return rows


def _cells(aus: Tensor) -> list[str]:
    """Coefficients in the fewest digits that read back as the same float32; NaN is an empty cell."""
    import numpy as np

    values = aus.detach().cpu().numpy().astype(np.float32)
    return ["" if np.isnan(value) else np.format_float_positional(value, trim="0") for value in values]


def _suite(dataset_name: str, split: str, protocol: str, seed: int, limit: int) -> str:
    """A suite file of exactly these samples, with the metrics of the quick suite."""
    lines = [
        'name = "render-list"',
        f"split = {_toml(split)}",
        f"seed = {seed}",
        "skip_missing = true",
        "metrics = [",
        *(f"  {_toml(metric)}," for metric in quick_suite().metrics),
        "]",
        "",
        "[[datasets]]",
        f"name = {_toml(dataset_name)}",
        f"protocols = [{_toml(protocol)}]",
        f"limit = {limit}",
        "",
    ]
    return "\n".join(lines)


def _toml(text: str) -> str:
    # A JSON string is a TOML basic string except for U+007F, which only TOML escapes.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _readme(info: DatasetInfo, rows: int, command: str, unreadable: Sequence[Unreadable]) -> str:
    space = get_space(info.au_space)
    scale = (
        f"times {space.intensity_max:g} they are FACS intensities"
        if space.intensity_max > 1
        else "1 is the strongest"
    )
    left_out = "".join(f"    {item.sample_id}: {item.reason}\n" for item in unreadable)
    return _README.format(
        rows=rows,
        space=space.name,
        columns=f"{space.labels[0]} to {space.labels[-1]}",
        scale=scale,
        resolution=info.resolution,
        command=command,
        unreadable=f"\nSamples that could not be loaded:\n\n{left_out}" if unreadable else "",
    )
