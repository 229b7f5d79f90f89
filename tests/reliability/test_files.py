"""Folders of a user: file names that are not UTF-8, and folders that cannot be read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from gath_datasets.files import MediaFile, find_files
from gath_datasets.portraits.adapter import Portraits

from gath_bench.engine.outputs import checked_batch
from gath_bench.errors import UsageError
from gath_bench.suite.checks import check_samples, file_name_problem


def found(root: Path) -> tuple[MediaFile, ...]:
    return find_files(root, (".png",), kind="images", wanted="portraits", default="portrait")


def portrait(folder: Path, name: bytes) -> None:
    """A grey portrait under a name of any bytes."""
    from PIL import Image

    Image.new("RGB", (32, 32), "grey").save(folder / "portrait.png")
    try:
        os.rename(os.fsencode(folder / "portrait.png"), os.fsencode(folder) + b"/" + name)
    except OSError:
        pytest.skip("this file system stores UTF-8 names only")


def test_file_names_that_are_not_utf8_are_samples_like_others(tmp_path: Path) -> None:
    for name in (b"caf\xe9.png", b"\xff\xfe.png", b"plain.png"):
        portrait(tmp_path, name)
    files = found(tmp_path)
    assert len({file.name for file in files}) == 3
    assert not any(file_name_problem(file.name) or file_name_problem(file.subject) for file in files)
    adapter = Portraits(root=tmp_path, crop="centre", size=32)
    samples = adapter.samples("test", adapter.info.protocols[0], 0)
    check_samples("portraits", samples)
    batch = checked_batch(adapter.load(samples), samples, adapter.info)
    assert len(batch) == len(samples)
    assert len(adapter.fingerprint) == 64


@pytest.mark.parametrize("folder", ["", "anna"])
def test_a_folder_that_cannot_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    (tmp_path / "anna").mkdir()
    portrait(tmp_path, b"plain.png")
    real, closed = Path.iterdir, tmp_path / folder

    def iterdir(path: Path) -> object:
        if path == closed:
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(Path, "iterdir", iterdir)
    with pytest.raises(UsageError, match="cannot be read: Permission denied") as refused:
        found(tmp_path)
    assert str(closed) in str(refused.value)
