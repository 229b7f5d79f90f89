"""Registers the built-in data sets and their commands."""

from __future__ import annotations

from gath_bench import hookimpl
from gath_bench.contracts import CommandSpec, DatasetSpec


@hookimpl
def gath_bench_datasets() -> list[DatasetSpec]:
    """The data sets. Their modules are imported on first use."""
    return [
        DatasetSpec(
            "synthfaces",
            "gath_datasets.synthfaces.adapter:SynthFaces",
            "procedural portraits with exact AUs and target images; no download, no licence",
        ),
        DatasetSpec(
            "portraits",
            "gath_datasets.portraits.adapter:Portraits",
            "your own photos (a file, a folder, a folder per subject), or the built-in real portrait",
        ),
        DatasetSpec(
            "folder",
            "gath_datasets.folder:Folder",
            "a folder of target images, for images that another system wrote under the same file names",
        ),
        DatasetSpec(
            "video",
            "gath_datasets.video.adapter:Videos",
            "your own videos (a file, a folder, a folder per subject) with an AU time series beside each",
            requires=("av",),
            extra="video",
        ),
    ]


@hookimpl
def gath_bench_commands() -> list[CommandSpec]:
    """The commands of the data sets."""
    return [
        CommandSpec(
            "synthfaces",
            "gath_datasets.synthfaces.commands:synthfaces",
            "render, inspect and export procedural portraits",
        ),
    ]
