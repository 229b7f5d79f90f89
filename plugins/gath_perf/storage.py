"""The folders of records."""

from __future__ import annotations

from pathlib import Path

import click

#: Records with a ``--name``, relative to the current folder; meant to be committed.
NAMED_RECORDS = Path("results/perf")


def own_folder() -> Path:
    """The user's folder of records, outside any checkout: ``~/.config/gath-bench/perf`` on Linux."""
    return Path(click.get_app_dir("gath-bench")) / "perf"


def folder_to_write(storage: Path | None, name: str | None) -> Path:
    """Where a new record goes: ``--storage`` if given, ``results/perf`` if it has a name, else the user's folder."""
    return storage or (NAMED_RECORDS if name else own_folder())


def folders_to_read(storage: Path | None) -> list[Path]:
    """Where records are looked for: ``--storage`` if given, else ``results/perf`` and the user's folder."""
    return [storage] if storage else [NAMED_RECORDS, own_folder()]
