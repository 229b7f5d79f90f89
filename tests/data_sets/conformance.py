"""What every adapter of files has to do, whatever its layout; the contract itself is `gath_bench.testing`."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from gath_datasets.clips.dataset import ClipDataset

from gath_bench import testing
from gath_bench.errors import UsageError
from gath_bench.testing.datasets import STREAMS, check_sentence, few_samples

#: Makes the data set of a root folder.
Make = Callable[[Path], Any]


def check_dataset(make: Make, root: Path, *, streams: set[str]) -> None:
    """Check a data set on a small tree in its published layout.

    Args:
        make: root folder -> data set.
        root: the tree.
        streams: the training streams that its labels allow, of ``stills``, ``frames`` and ``clips``.
    """
    dataset = make(root)
    testing.check_dataset(dataset)
    check_file_dataset(dataset)
    check_fingerprint(make, root)
    for stream in STREAMS:
        if stream in streams:
            check_stream(make, root, stream)
        else:
            with pytest.raises(UsageError, match=stream) as caught:
                getattr(dataset, stream)(batch_size=2, seed=0)
            assert_sentence(caught.value)


def assert_sentence(error: Exception) -> None:
    """One line, one sentence that ends with a full stop."""
    check_sentence(error)


def check_file_dataset(dataset: Any) -> None:
    """Photos with a licence to cite, portable sample ids, and misspelt names that are answered."""
    info = dataset.info
    assert info.domain in ("photo", "mesh")
    assert set(info.splits) <= {"train", "val", "test"}
    assert "test" in info.splits
    assert "cite" in info.licence
    for split, protocol in (("tset", info.protocols[0]), ("test", "swep")):
        with pytest.raises(UsageError, match="did you mean") as caught:
            dataset.samples(split, protocol, 0)
        assert_sentence(caught.value)
    for split in info.splits:
        for protocol in info.protocols:
            listed = dataset.samples(split, protocol, 0)
            assert all(re.fullmatch(r"[a-z0-9._+-]+", sample.sample_id.lower()) for sample in listed)
            batch = dataset.load(few_samples(listed))
            assert not len(batch) or (batch.target is not None) == (
                info.has_target and protocol == "same-subject"
            )
            for images in (batch.source, batch.target):
                assert images is None or images.mul(255).round().div(255).equal(images), "not 8-bit"


def check_fingerprint(make: Make, root: Path) -> None:
    """The fingerprint depends on content, and not on the place."""
    before = make(root).fingerprint
    assert re.fullmatch("[0-9a-f]{64}", before)
    assert make(root).fingerprint == before
    copy = root.with_name(f"{root.name}-copy")
    shutil.copytree(root, copy)
    assert make(copy).fingerprint == before
    dataset = make(copy)
    is_clips = isinstance(dataset, ClipDataset)
    if is_clips:
        first = dataset.clip_list[0].frames.path
    else:
        first = dataset.index.root / dataset.index.paths[0]
        if not first.is_file():  # records in a shard
            first = dataset.index.label_files[0]
    first.write_bytes(first.read_bytes() + b"\0")
    changed = make(copy).fingerprint
    assert changed != before
    if is_clips:  # AU values are hashed instead of label files: every change of a value counts.
        clip = dataset.clip_list[0]
        altered = clip.aus.copy()
        altered[0] = 0.125
        dataset.clip_list = (replace(clip, aus=altered), *dataset.clip_list[1:])
        dataset.__dict__.pop("fingerprint", None)
        assert dataset.fingerprint not in (before, changed)
    for labels in () if is_clips or first in dataset.index.label_files else dataset.index.label_files[:1]:
        labels.write_bytes(labels.read_bytes() + (b"" if labels.suffix in (".npy", ".pkl") else b"\n"))
        if labels.suffix not in (".npy", ".pkl"):
            assert make(copy).fingerprint not in (before, changed)
    shutil.rmtree(copy)


def check_stream(make: Make, root: Path, stream: str) -> None:
    """The stream keeps its contract, and shows training subjects alone."""
    dataset = make(root)
    testing.check_stream(dataset, stream, again=lambda: make(root))
    shown = people_of(dataset, stream)
    if isinstance(dataset, ClipDataset):
        assert {dataset.splits[person] for person in shown} == {"train"}
    for other in {"stills", "frames", "clips"} - {stream}:
        # A training uses frames or clips, which may show the same people, and never the people of stills.
        if isinstance(dataset, ClipDataset) and "stills" not in (stream, other):
            continue
        try:
            others = people_of(dataset, other)
        except UsageError:
            continue
        assert not shown & others


def people_of(dataset: Any, stream: str) -> set[str]:
    """The subjects that a stream shows; of a data set of images, the images are checked to be of the split train."""
    if isinstance(dataset, ClipDataset):
        return dataset.streams.subjects(stream)
    positions = dataset.streams.positions(stream).tolist()
    assert {dataset.index.splits[position] for position in positions} == {"train"}
    return {dataset.index.subjects[position] for position in positions}
