"""RAVDESS and MEAD: names, subjects, and where their AUs come from."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from clips.helpers import FRAMES, write_csv, write_video
from gath_datasets.clips import performances

from gath_bench.errors import UsageError
from gath_bench.labels import Label, LabelInfo, LabelWriter

pytest.importorskip("av")
Ravdess = partial(performances.Ravdess, crop="centre", size=8)
Mead = partial(performances.Mead, crop="centre", size=8)


def ravdess(root: Path, actors: tuple[int, ...] = (1, 2, 3, 4, 5, 6), *, labels: bool = True) -> Path:
    for actor in actors:
        for statement in (1, 2):
            video = root / f"Actor_{actor:02d}" / f"02-01-06-01-{statement:02d}-01-{actor:02d}.mp4"
            write_video(video, 10 * actor)
            if labels:
                write_csv(video.with_suffix(".csv"))
    return root


def mead(root: Path) -> Path:
    for number, path in enumerate(
        (
            "M003/video/front/happy/level_3/001",
            "W009/video/front/neutral/level_1/001",
            "M003/video/top/sad/level_1/001",
        )
    ):
        video = root / f"{path}.mp4"
        write_video(video, 20 * number)
        write_csv(video.with_suffix(".csv"))
    return root


def test_the_actor_is_the_subject(tmp_path: Path) -> None:
    dataset = Ravdess(root=ravdess(tmp_path))
    assert {clip.file.subject for clip in dataset.clip_list} == {
        f"Actor_{actor:02d}" for actor in range(1, 7)
    }
    assert len(dataset.clip_list) == 12
    assert "CC BY-NC-SA 4.0" in dataset.info.licence
    splits = {
        split: {sample.subject for sample in dataset.samples(split, "same-subject", 0)}
        for split in dataset.info.splits
    }
    assert not splits.get("test", set()) & splits.get("val", set())
    split = dataset.info.splits[0]
    listed = dataset.samples(split, "same-subject", 0)
    batch = dataset.load(listed[:3])
    assert batch.target is not None
    assert not batch.unreadable


def test_of_two_recordings_of_a_performance_one_is_used(tmp_path: Path) -> None:
    """The same pictures with and without sound, songs, and sound alone."""
    ravdess(tmp_path, (1,))
    folder = tmp_path / "Actor_01"
    write_video(folder / "01-01-06-01-01-01-01.mp4", 10)  # with sound: the same as 02-...
    write_video(folder / "01-01-05-01-01-01-01.mp4", 10)  # with sound alone
    write_video(folder / "02-02-06-01-01-01-01.mp4", 10)  # a song
    (folder / "03-01-06-01-01-01-01.wav").write_bytes(b"sound")
    names = {clip.file.name for clip in Ravdess(root=tmp_path).clip_list}
    assert names == {f"{name}-01" for name in ("02-01-06-01-01-01", "02-01-06-01-02-01", "01-01-05-01-01-01")}
    assert len(Ravdess(root=tmp_path, channel="song").clip_list) == 1
    assert len(Ravdess(root=tmp_path, channel="both").clip_list) == 4


def test_wrong_names_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"not a ravdess folder \(no videos named by seven numbers\): expected"
    ):
        Ravdess(root=tmp_path)
    write_video(tmp_path / "Actor_01" / "02-01-06-01-02-01-12.mp4", 10)
    with pytest.raises(UsageError, match="is of actor 12 but lies in Actor_01"):
        Ravdess(root=tmp_path)
    with pytest.raises(UsageError, match="there is no such folder"):
        Mead(root=tmp_path / "none")
    with pytest.raises(UsageError, match=r"not a mead folder \(no videos\): expected"):
        Mead(root=tmp_path)


def test_mead_by_view(tmp_path: Path) -> None:
    dataset = Mead(root=mead(tmp_path))
    assert [(clip.file.name.rsplit("-", 1)[0], clip.file.subject) for clip in dataset.clip_list] == [
        ("M003_video_front_happy_level_3_001", "M003"),
        ("W009_video_front_neutral_level_1_001", "W009"),
    ]
    assert [clip.file.subject for clip in Mead(root=tmp_path, view="top").clip_list] == ["M003"]
    with pytest.raises(UsageError, match="no videos of the view 'left_30', only of front, top"):
        Mead(root=tmp_path, view="left_30")


def test_without_aus_there_are_images_to_label_and_no_samples(tmp_path: Path) -> None:
    """The data set can be labelled; with the label file it has samples, and says whose labels they are."""
    dataset = Ravdess(root=ravdess(tmp_path, labels=False))
    with pytest.raises(UsageError, match="gath-bench label") as caught:
        dataset.samples(dataset.info.splits[0], "same-subject", 0)
    assert "\n" not in str(caught.value)
    images = dataset.image_samples()
    assert len(images) == 12 * FRAMES
    assert dataset.read_image(images[0]).shape == (3, 32, 32)
    info = LabelInfo("toy@1#abc", "openface17")
    writer = LabelWriter(tmp_path / "labels.parquet", info)
    values = (0.25,) * 17
    writer.add(
        [
            Label(
                sample.sample_id, dataset.image_content(sample)[:16], None if place % FRAMES == 1 else values
            )
            for place, sample in enumerate(images)
        ]
    )
    writer.finish(sample.sample_id for sample in images)
    labelled = Ravdess(root=tmp_path, labels=tmp_path / "labels.parquet")
    assert labelled.info.labelled_by == ("toy@1#abc",)
    split = labelled.info.splits[0]
    batch = labelled.load(labelled.samples(split, "same-subject", 0)[: FRAMES - 1])
    assert (batch.target_aus == 0.25).all()
    assert len(batch.unreadable) == 1  # the frame without a face
    assert labelled.fingerprint != dataset.fingerprint
    with pytest.raises(UsageError, match="both give the AUs"):
        Ravdess(root=tmp_path, labels=tmp_path / "labels.parquet", estimator="synthfaces")
    write_video(tmp_path / "Actor_01" / "02-01-06-01-01-01-01.mp4", 99)
    with pytest.raises(UsageError, match="has changed since"):
        Ravdess(root=tmp_path, labels=tmp_path / "labels.parquet")
