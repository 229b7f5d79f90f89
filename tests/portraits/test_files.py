"""Portrait files, their subjects and names."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from gath_datasets.portraits import adapter
from portraits.conftest import save

from gath_bench.errors import UsageError

#: The images of these tests show no faces.
Portraits = partial(adapter.Portraits, crop="centre")


def samples(dataset: Portraits, protocol: str = "same-subject"):
    return dataset.samples("test", protocol, 0)


def test_flat_folder_file_and_folder_per_subject(tmp_path: Path, folder: Path) -> None:
    flat = Portraits(root=folder, aus="anger")
    assert [sample.subject for sample in samples(flat)] == ["adam", "mia", "zoe"]
    one = Portraits(root=folder / "zoe.png", aus="anger")
    assert [sample.sample_id for sample in samples(one)] == ["zoe--anger"]
    for name in ("bob/1.png", "bob/2.png", "ann/1.png", ".hidden/1.png"):
        save(tmp_path / "people" / name)
    people = samples(Portraits(root=tmp_path / "people", aus="anger"))
    assert [(sample.subject, sample.sample_id) for sample in people] == [
        ("ann", "ann_1--anger"),
        ("bob", "bob_1--anger"),
        ("bob", "bob_2--anger"),
    ]


def test_sample_ids_are_unique_safe_and_fixed(tmp_path: Path) -> None:
    for name in ("a.png", "a.jpg", "my photo.png", "my_photo.png", "ünï.png", "x" * 120 + ".png", "n/a.png"):
        save(tmp_path / name)
    ids = [sample.sample_id for sample in samples(Portraits(root=tmp_path, aus="basic; 12C+6B"))]
    assert len({name.lower() for name in ids}) == len(ids) == 7 * 7
    assert all(name.isascii() and len(name) < 120 and not set(name) & set('/\\:*?"<>| ') for name in ids)
    again = samples(Portraits(root=tmp_path, aus="basic; 12C+6B"))
    assert ids == [sample.sample_id for sample in again]


def test_folders_without_a_usable_image(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no images"):
        Portraits(root=tmp_path)
    (tmp_path / "notes.txt").write_text("not an image")
    with pytest.raises(UsageError, match="holds no images"):
        Portraits(root=tmp_path)
    (tmp_path / "bad.png").write_bytes(b"")
    with pytest.raises(UsageError, match=r"none of the 1 images .*\(bad.png is empty\)"):
        samples(Portraits(root=tmp_path))
