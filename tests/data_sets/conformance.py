"""The conformance kit of data sets: what every adapter of files has to do, whatever its layout."""

from __future__ import annotations

import itertools
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from gath_datasets.clips.dataset import ClipDataset

from gath_bench.au import get_space
from gath_bench.contracts import Batch, DatasetAdapter
from gath_bench.errors import UsageError

SPLITS = ("train", "val", "test")
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
    check_info(dataset)
    for split, protocol in itertools.product(dataset.info.splits, dataset.info.protocols):
        check_samples(dataset, split, protocol)
    check_splits(dataset)
    check_fingerprint(make, root)
    for stream in ("stills", "frames", "clips"):
        if stream in streams:
            check_stream(make, root, stream)
        else:
            with pytest.raises(UsageError, match=stream) as caught:
                getattr(dataset, stream)(batch_size=2, seed=0)
            assert_sentence(caught.value)


def assert_sentence(error: Exception) -> None:
    """One line, one sentence that ends with a full stop."""
    text = str(error)
    assert "\n" not in text
    assert text.endswith("."), text


def check_info(dataset: Any) -> None:
    """The facts are known and consistent; an unknown split or protocol is refused."""
    assert isinstance(dataset, DatasetAdapter)
    info = dataset.info
    assert info.domain in ("photo", "mesh")
    assert set(info.splits) <= set(SPLITS)
    assert "test" in info.splits
    assert info.protocols
    assert set(info.protocols) <= {"same-subject", "cross-subject", "sweep"}
    assert "cite" in info.licence
    get_space(info.au_space)
    for split, protocol in (("tset", info.protocols[0]), ("test", "swep")):
        with pytest.raises(UsageError, match="did you mean") as caught:
            dataset.samples(split, protocol, 0)
        assert_sentence(caught.value)


def check_samples(dataset: Any, split: str, protocol: str) -> None:
    """Samples are listed in a fixed order with legal, unique names, and loaded alike in any batch."""
    listed = dataset.samples(split, protocol, 0)
    assert listed, (split, protocol)
    assert [s.sample_id for s in dataset.samples(split, protocol, 0)] == [s.sample_id for s in listed]
    ids = [sample.sample_id.lower() for sample in listed]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z0-9._+-]+", name) for name in ids)
    assert all(sample.subject for sample in listed)
    few = list(listed[:: max(1, len(listed) // 4)])[:4]
    whole = dataset.load(few)
    check_batch(dataset, whole, protocol)
    assert len(whole) + len(whole.unreadable) == len(few)
    parts = [dataset.load([sample]) for sample in reversed(few)]
    for part in parts:
        for position, name in enumerate(part.sample_id):
            other = whole.sample_id.index(name)
            for field in ("source", "target_aus", "target"):
                one, two = getattr(part, field), getattr(whole, field)
                assert (one is None) == (two is None)
                if one is not None:
                    torch.testing.assert_close(one[position], two[other], rtol=0, atol=0, equal_nan=True)


def check_batch(dataset: Any, batch: Batch, protocol: str) -> None:
    """Shapes, types and ranges of the contract."""
    info, count = dataset.info, len(batch)
    images = [batch.source] + ([batch.target] if batch.target is not None else [])
    for image in images:
        assert image.shape == (count, 3, info.resolution, info.resolution)
        assert image.dtype == torch.float32
        assert torch.equal(image.mul(255).round() / 255, image)
        assert not count or (image.min() >= 0 and image.max() <= 1)
    assert batch.au_space == info.au_space
    for aus in (batch.target_aus, batch.source_aus):
        if aus is None:
            continue
        assert aus.shape == (count, len(get_space(info.au_space)))
        known = aus[~aus.isnan()]
        assert ((known >= 0) & (known <= 1)).all()
    if count:
        assert (batch.target is not None) == (info.has_target and protocol == "same-subject")
        assert (batch.swept_au is not None) == (protocol == "sweep")


def check_splits(dataset: Any) -> None:
    """No subject is in two splits, under any protocol."""
    people = {
        split: {s.subject for protocol in dataset.info.protocols for s in dataset.samples(split, protocol, 0)}
        for split in dataset.info.splits
    }
    for one, two in itertools.combinations(people, 2):
        assert not people[one] & people[two]


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
    """A stream is a function of the seed, resumes at any step, and shows training subjects alone."""
    dataset = make(root)
    batches = getattr(dataset, stream)(batch_size=3, seed=5)
    first, second = next(batches), next(batches)
    resumed = getattr(make(root), stream)(batch_size=3, seed=5, start=1)
    again = next(resumed)
    resumed.close()
    batches.close()
    for name, value in vars(second).items():
        if isinstance(value, torch.Tensor):
            torch.testing.assert_close(value, getattr(again, name), rtol=0, atol=0, equal_nan=True)
            assert value.dtype == (torch.int64 if name == "identity" else torch.float32)
            known = value[~value.isnan()]
            assert not value.is_floating_point() or (known.min() >= 0 and known.max() <= 1)
        else:
            assert value == dataset.info.au_space
    assert not all(
        torch.equal(value, getattr(second, name))
        for name, value in vars(first).items()
        if isinstance(value, torch.Tensor)
    )
    if stream == "stills":
        assert second.identity.max() < dataset.identities()
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
