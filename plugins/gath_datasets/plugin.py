"""Registers the built-in data sets and their commands."""

from __future__ import annotations

from gath_bench import hookimpl
from gath_bench.contracts import CommandSpec, DatasetSpec


@hookimpl
def gath_bench_datasets() -> list[DatasetSpec]:
    """The data sets; their code is imported when one is used."""
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
    ]


@hookimpl
def gath_bench_commands() -> list[CommandSpec]:
    """The data sets' own commands."""
    return [
        CommandSpec(
            "synthfaces",
            "gath_datasets.synthfaces.commands:synthfaces",
            "draw, inspect and export procedural portraits",
        ),
    ]
