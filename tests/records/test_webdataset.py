"""WebDataset shards: records, column mapping, and what is said of wrong shards."""

from __future__ import annotations

import io
import json
import tarfile
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch
from data_sets.conformance import assert_sentence
from data_sets.test_labels import ESTIMATOR, write_labels
from gath_datasets.records import webdataset
from PIL import Image

from gath_bench.errors import UsageError

WebDataset = partial(webdataset.WebDataset, crop="centre", size=8, au_space="disfa12")
MAPPED = partial(WebDataset, aus="aus", subject="person", clip="take")
LABELS = ("AU01", "AU02", "AU04", "AU05", "AU06", "AU09", "AU12", "AU15", "AU17", "AU20", "AU25", "AU26")


def picture(level: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (16, 16), (level,) * 3).save(buffer, format="PNG")
    return buffer.getvalue()


def write_shard(path: Path, members: dict[str, bytes | str | dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for name, content in members.items():
            data = content if isinstance(content, bytes) else str(content).encode()
            if isinstance(content, dict):
                data = json.dumps(content).encode()
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def record(person: int, frame: int, **more: Any) -> dict[str, Any]:
    aus = dict.fromkeys(LABELS, frame / 4)
    return {"person": f"p{person:02d}", "take": "a", "aus": aus, **more}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Thirty people in three shards, with three frames each."""
    for shard in range(3):
        members: dict[str, bytes | str | dict[str, Any]] = {}
        for person in range(10 * shard, 10 * shard + 10):
            for frame in range(3):
                members[f"{person:02d}-{frame}.png"] = picture(6 * person + frame)
                members[f"{person:02d}-{frame}.json"] = record(person, frame)
        write_shard(tmp_path / "shards" / f"{shard:06d}.tar", members)
    return tmp_path / "shards"


def test_the_index_is_over_all_shards_and_content_counts(root: Path) -> None:
    dataset = MAPPED(root=root)
    assert len(dataset.index) == 90
    assert len(MAPPED(root=root / "000001.tar").index) == 30

    for split in dataset.info.splits:
        assert dataset.samples(split, "same-subject", 0)
    before = dataset.fingerprint
    moved = root.rename(root.with_name("elsewhere"))
    assert MAPPED(root=moved).fingerprint == before
    assert WebDataset(root=moved, aus="aus", subject="person").fingerprint != before


def test_frames_of_a_take_are_targets_of_its_first_frame(root: Path) -> None:
    dataset = MAPPED(root=root)
    batch = dataset.load(dataset.samples("train", "same-subject", 0)[:4])
    assert batch.target is not None
    assert [round(float(value) * 4) for value in batch.target_aus[:, 6]] == [1, 2, 1, 2]
    people = [int(name.removeprefix("p")) for name in batch.subject]
    levels = [round(float(value) * 255) for value in batch.target.mean(dim=(1, 2, 3))]
    assert levels == [6 * person + frame for person, frame in zip(people, (1, 2, 1, 2), strict=True)]


def test_streams(root: Path) -> None:
    dataset = MAPPED(root=root)
    for stream in ("stills", "frames", "clips"):
        batches = getattr(dataset, stream)(batch_size=3, seed=0)
        for batch in islice(batches, 2):
            assert all(len(value) == 3 for value in vars(batch).values() if isinstance(value, torch.Tensor))
        batches.close()
    unmapped = WebDataset(root=root, aus="")
    assert unmapped.index.aus is None
    with pytest.raises(UsageError, match="no AU labels"):
        unmapped.frames(batch_size=2, seed=0)
    with pytest.raises(UsageError, match="no identity labels"):
        unmapped.identities()


def test_a_label_file_gives_the_aus_instead_of_columns(root: Path, tmp_path: Path) -> None:
    columns = {"subject": "person", "clip": "take"}
    plain = WebDataset(root=root, aus="", **columns)
    assert plain.protocols() == ("same-subject", "sweep")
    path = write_labels(plain, tmp_path / "labels.parquet")  # image i has i / 90, every fifth has none
    dataset = WebDataset(root=root, labels=path, **columns)
    assert dataset.info.labelled_by == (ESTIMATOR,)
    assert len({made.fingerprint for made in (plain, dataset, MAPPED(root=root))}) == 3
    samples = [
        sample for split in dataset.info.splits for sample in dataset.samples(split, "same-subject", 0)
    ]
    batch = dataset.load(samples)
    assert batch.target is not None
    for subject, aus, image in zip(batch.subject, batch.target_aus, batch.target, strict=True):
        person, frame = divmod(round(float(image.mean()) * 255), 6)
        assert subject == f"p{person:02d}"
        assert aus.tolist() == pytest.approx([(3 * person + frame) / 90] * 12)
    # The source portrait is the first frame with AUs. Every fifth person's first frame has none.
    first_frames = {3 * person + (3 * person % 5 == 0) for person in range(30)}
    assert dataset.index.reference is not None
    assert {int(place) for place in dataset.index.reference if place >= 0} == first_frames
    for stream in ("stills", "frames", "clips"):
        batches = getattr(dataset, stream)(batch_size=3, seed=0)
        next(batches)
        batches.close()
    with pytest.raises(UsageError, match="labels and aus=aus both give AUs") as caught:
        WebDataset(root=root, aus="aus", labels=path)
    assert_sentence(caught.value)


def test_columns_in_their_forms(tmp_path: Path) -> None:
    """AUs as a mapping, a list, or columns; subjects in a text file; FACS intensities."""
    shard = write_shard(
        tmp_path / "a.tar",
        {
            "x/1.jpg": picture(1),
            "x/1.json": {"AU 12": 5, "AU1": 2.5, "other": "text"},
            "x/1.cls": "ann",
            "x/2.png": picture(2),
            "x/2.json": {"AU12": None},
            "x/2.cls": "bob",
            "x/notes.md": "no image",
        },
    )
    dataset = WebDataset(root=shard, subject="cls", highest=5)
    assert dataset.index.subjects == ["ann", "bob"]
    assert dataset.index.aus is not None
    assert dataset.index.aus[0, [0, 6]].tolist() == [0.5, 1.0]
    assert torch.from_numpy(dataset.index.aus).isnan().sum().item() == 10 + 12
    listed = write_shard(tmp_path / "b.tar", {"1.png": picture(1), "1.json": {"aus": [0.25] * 12}})
    assert (WebDataset(root=listed, aus="aus").index.aus == 0.25).all()


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        ({"aus": {"AU12": 7}, "person": "a"}, r"1\.png, AU12: 7 is outside \[0, 1\]"),
        ({"aus": {"AU12": -1}, "person": "a"}, r"-1 is outside \[0, 1\]"),
        ({"aus": [0.5], "person": "a"}, "has 1 of 12 AUs in 'aus'"),
        ({"aus": "high", "person": "a"}, "neither a list nor a mapping"),
        ({"aus": {}, "name": "a"}, "there is no column 'person'"),
        ("[]", "is not a JSON object"),
        ("{", "is not valid JSON"),
    ],
)
def test_wrong_labels_are_one_sentence(tmp_path: Path, labels: Any, sentence: str) -> None:
    shard = write_shard(tmp_path / "a.tar", {"1.png": picture(1), "1.json": labels})
    with pytest.raises(UsageError, match=sentence) as caught:
        WebDataset(root=shard, aus="aus", subject="person")
    assert_sentence(caught.value)


def test_wrong_shards_are_one_sentence(root: Path, tmp_path: Path) -> None:
    for path, sentence in (
        (tmp_path / "none", "there is no such folder"),
        (tmp_path / "empty", r"not a webdataset folder \(no \.tar files\): expected is .*000000\.tar"),
    ):
        (tmp_path / "empty").mkdir(exist_ok=True)
        with pytest.raises(UsageError, match=sentence) as caught:
            WebDataset(root=path)
        assert_sentence(caught.value)
    shard = root / "000001.tar"
    content = shard.read_bytes()
    shard.write_bytes(content[:1000])
    with pytest.raises(UsageError, match=r"000001\.tar is (damaged|truncated)"):
        MAPPED(root=root)
    shard.write_bytes(b"no tar file" * 100)
    with pytest.raises(UsageError, match=r"000001\.tar is damaged or not an uncompressed tar file"):
        MAPPED(root=root)
    write_shard(shard, {"1.txt": "no image"})
    with pytest.raises(UsageError, match="no record has an image"):
        MAPPED(root=shard)
    with tarfile.open(shard, "w") as tar:
        for _ in range(2):
            info = tarfile.TarInfo("1.png")
            tar.addfile(info)
    with pytest.raises(UsageError, match=r"holds 1\.png twice"):
        MAPPED(root=shard)
    with pytest.raises(UsageError, match="needs subject=COLUMN"):
        WebDataset(root=root, clip="take")


def test_a_damaged_image_is_na(tmp_path: Path) -> None:
    members: dict[str, bytes | str | dict[str, Any]] = {}
    for frame in range(3):
        members[f"{frame}.png"] = picture(1) if frame != 1 else picture(1)[:60]
        members[f"{frame}.json"] = record(0, frame)
    (splits := tmp_path / "splits.csv").write_text("subject,split\np00,test\n")
    dataset = MAPPED(root=write_shard(tmp_path / "a.tar", members), splits=splits)
    batch = dataset.load(dataset.samples("test", "same-subject", 0))
    assert len(batch) == 1
    assert "a.tar/1.png is damaged" in batch.unreadable[0].reason
