"""Training streams of clips: who is in them, what they show, and that they can be resumed."""

from __future__ import annotations

from functools import partial
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from clips.helpers import FRAMES, STEP, write_csv, write_video
from gath_datasets.clips import streams
from gath_datasets.video import adapter

from gath_bench.contracts import ClipStream, TrainingStreams
from gath_bench.errors import UsageError

pytest.importorskip("av")
Videos = partial(adapter.Videos, crop="centre", size=8, au_space="disfa12")
ALL = "AU01 AU02 AU04 AU05 AU06 AU09 AU12 AU15 AU17 AU20 AU25 AU26"
#: Grey level of the first frame of each subject.
LEVELS = {name: 10 + 45 * place for place, name in enumerate(("a", "b", "c", "d", "e"))}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("videos")
    for name, level in LEVELS.items():
        write_video(root / f"{name}.mp4", level)
        write_csv(root / f"{name}.csv", columns=ALL)
    return root


def who(images: torch.Tensor) -> list[tuple[str, int]]:
    """Subject and frame of each image, by its grey level."""
    found = []
    for level in (images.mean(dim=(1, 2, 3)) * 255).tolist():
        name = max((name for name in LEVELS if LEVELS[name] <= level + 2), key=lambda name: LEVELS[name])
        found.append((name, round((level - LEVELS[name]) / STEP)))
    return found


def take(
    dataset: Any, stream: str, count: int, start: int = 0, batch_size: int = 6, seed: int = 0
) -> list[Any]:
    batches = getattr(dataset, stream)(batch_size=batch_size, seed=seed, start=start)
    taken = list(islice(batches, count))
    batches.close()
    return taken


def test_streams_share_no_subject_with_each_other_or_with_the_test_split(folder: Path) -> None:
    dataset = Videos(root=folder, train=0.8)
    assert isinstance(dataset, TrainingStreams)
    assert isinstance(dataset, ClipStream)
    tested = {sample.subject for sample in dataset.samples("test", "same-subject", 0)}
    stills = {name for batch in take(dataset, "stills", 12) for name, _ in who(batch.images)}
    frames = {name for batch in take(dataset, "frames", 12) for name, _ in who(batch.images)}
    clips = {name for batch in take(dataset, "clips", 12) for name, _ in who(batch.source)}
    assert len(tested) == 1
    assert len(stills) == dataset.identities() == 2
    assert frames == clips
    assert tested | stills | frames == set(LEVELS)
    assert not stills & frames
    assert not tested & (stills | frames)


def test_labels_belong_to_the_images(folder: Path) -> None:
    dataset = Videos(root=folder, train=0.8)
    seen = {
        (int(label), name)
        for batch in take(dataset, "stills", 8)
        for label, (name, _) in zip(batch.identity, who(batch.images), strict=True)
    }
    assert sorted(label for label, _ in seen) == [0, 1]  # one subject each
    assert len({name for _, name in seen}) == 2
    for batch in take(dataset, "frames", 4):
        assert batch.au_space == "disfa12"
        expected = torch.tensor([frame / (FRAMES - 1) for _, frame in who(batch.images)])
        assert torch.allclose(batch.aus, expected[:, None].expand(-1, 12), atol=1e-3)
    for batch in take(dataset, "clips", 4):
        sources, targets = who(batch.source), who(batch.target)
        for (one, first), (two, second) in zip(sources, targets, strict=True):
            assert one == two
            assert first != second
        expected = torch.tensor([frame / (FRAMES - 1) for _, frame in targets])
        assert torch.allclose(batch.target_aus[:, 6], expected, atol=1e-3)
        expected = torch.tensor([frame / (FRAMES - 1) for _, frame in sources])
        assert torch.allclose(batch.source_aus[:, 6], expected, atol=1e-3)


@pytest.mark.parametrize("stream", ["stills", "frames", "clips"])
def test_an_item_depends_on_seed_and_position_alone(folder: Path, stream: str) -> None:
    """A resumed stream, and one with another batch size, give the same items."""
    whole = take(Videos(root=folder, train=0.8), stream, 24)
    assert 2 * streams.CHUNK < 24 * 6  # more than one chunk
    resumed = take(Videos(root=folder, train=0.8), stream, 3, start=21)
    for one, two in zip(whole[21:], resumed, strict=True):
        for name, value in vars(one).items():
            assert (
                value == getattr(two, name)
                if isinstance(value, str)
                else torch.equal(value, getattr(two, name))
            )
    halves = take(Videos(root=folder, train=0.8), stream, 12, batch_size=12)
    first = "source" if stream == "clips" else "images"
    joined = torch.cat([getattr(batch, first) for batch in whole])
    assert torch.equal(joined, torch.cat([getattr(batch, first) for batch in halves]))
    other = take(Videos(root=folder, train=0.8), stream, 24, seed=1)
    assert not torch.equal(joined, torch.cat([getattr(batch, first) for batch in other]))


def test_crops_take_constant_memory(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = torch.cat([batch.images for batch in take(Videos(root=folder, train=0.8), "frames", 20)])
    monkeypatch.setattr(streams, "CACHE", 3 * 3 * 8 * 8)
    dataset = Videos(root=folder, train=0.8)
    small = torch.cat([batch.images for batch in take(dataset, "frames", 20)])
    assert torch.equal(small, expected)
    assert len(dataset.streams._crops) <= 3


def test_a_share_of_subjects_and_a_list_of_splits(folder: Path, tmp_path: Path) -> None:
    """A subject stays in its split when the share grows; a list is instead of the share."""
    chosen = [
        {name for name, split in Videos(root=folder, train=share).splits.items() if split == "train"}
        for share in (0.0, 0.4, 0.6, 0.8)
    ]
    assert [len(names) for names in chosen] == [0, 2, 3, 4]
    assert all(small < large for small, large in pairwise(chosen))
    listed = tmp_path / "splits.csv"
    listed.write_text("subject,split\na,train\nb,train\nc,train\nd,val\ne,test\n")
    dataset = Videos(root=folder, splits=listed)
    assert dataset.info.splits == ("test", "val")
    assert {sample.subject for sample in dataset.samples("val", "same-subject", 0)} == {"d"}
    assert dataset.fingerprint != Videos(root=folder, train=0.8).fingerprint
    with pytest.raises(UsageError, match="both give the splits"):
        Videos(root=folder, splits=listed, train=0.5)
    with pytest.raises(UsageError, match="share of subjects"):
        Videos(root=folder, train=1.0)
    listed.write_text("subject,split\na,train\n")
    with pytest.raises(UsageError, match="no split for the subject b"):
        Videos(root=folder, splits=listed)


def test_what_streams_cannot_serve_is_one_sentence(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="0 training subjects: training needs three or more"):
        Videos(root=folder).identities()
    for name in LEVELS:
        write_video(tmp_path / f"{name}.mp4", 20)
    dataset = Videos(root=tmp_path, train=0.8)
    next(stills := dataset.stills(batch_size=2, seed=0))  # identities need no AUs
    stills.close()
    with pytest.raises(UsageError, match="has no AU labels for its training subjects"):
        next(dataset.clips(batch_size=2, seed=0))


def test_aus_that_no_label_covers_are_nan(folder: Path) -> None:
    """The labels lack AU07, AU10, AU14, AU23 and AU45 of openface17."""
    dataset = adapter.Videos(root=folder, train=0.8, crop="centre", size=8)
    for batch in take(dataset, "frames", 2):
        assert batch.aus.isnan().sum(1).tolist() == [5] * 6


def test_frames_without_a_face_are_replaced(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from gath_bench.errors import Unavailable

    dataset = Videos(root=folder, train=0.8)
    cropper = dataset._cropper

    def odd_frames(image: torch.Tensor, name: str) -> object:
        if int(name.split()[1]) % 2 == 0:
            raise Unavailable(f"no face was found in {name}.")
        return type(cropper).__call__(cropper, image, name)

    monkeypatch.setattr(dataset.streams, "_cropper", odd_frames)
    shown = {frame for batch in take(dataset, "frames", 12) for _, frame in who(batch.images)}
    assert shown
    assert all(frame % 2 for frame in shown)

    def nothing(image: torch.Tensor, name: str) -> object:
        raise Unavailable(f"no face was found in {name}.")

    monkeypatch.setattr(dataset.streams, "_cropper", nothing)
    dataset.streams._crops.clear()
    with pytest.raises(UsageError, match=r"the stills of video cannot be read \(no face was found"):
        next(dataset.stills(batch_size=2, seed=0))
