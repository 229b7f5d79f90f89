"""The ``video`` data set: its samples, their times and AUs, and what it says of wrong files."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from gath_datasets.video import adapter
from PIL import Image

from gath_bench.contracts import DatasetAdapter
from gath_bench.errors import UsageError
from gath_bench.provenance import Provenance
from gath_bench.video import write_animation

pytest.importorskip("av")
FRAMES = 12
#: The frames of these tests show no faces.
Videos = partial(adapter.Videos, crop="centre")


def write_clip(path: Path, level: int, *, size: tuple[int, int] = (64, 64), rows: int = FRAMES) -> None:
    """Frames of one grey that grows by 4 per frame, and an OpenFace CSV in which AU12 grows from 0 to 1."""
    path.parent.mkdir(parents=True, exist_ok=True)
    frames = [Image.new("RGB", size, (level + 4 * index,) * 3) for index in range(FRAMES)]
    write_animation(path, frames, 25, Provenance("test"))
    lines = ["frame, timestamp, success, AU12_r"]
    lines += [f"{row + 1}, {row / 25:.3f}, 1, {5 * row / (FRAMES - 1):.3f}" for row in range(rows)]
    path.with_suffix(".csv").write_text("\n".join(lines))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for level, name in ((20, "ann/one.mp4"), (60, "ann/two.mp4"), (120, "bob/one.mp4")):
        write_clip(tmp_path / "clips" / name, level)
    return tmp_path / "clips"


def samples(dataset: adapter.Videos, protocol: str = "same-subject", seed: int = 0):
    return dataset.samples("test", protocol, seed)


def test_every_frame_of_a_clip_is_a_target_of_its_first_frame(folder: Path) -> None:
    dataset = Videos(root=folder, size=32)
    assert isinstance(dataset, DatasetAdapter)
    listed = samples(dataset)
    assert len(listed) == 3 * (FRAMES - 1)
    assert len({sample.sample_id for sample in listed}) == len(listed)
    assert {sample.subject for sample in listed} == {"ann", "bob"}
    batch = dataset.load(listed)
    assert batch.target is not None
    assert batch.source_aus is not None
    assert batch.source.shape == batch.target.shape == (len(listed), 3, 32, 32)
    assert batch.clip is not None
    assert batch.frame is not None
    level = {"ann_one": 20, "ann_two": 60, "bob_one": 120}
    for position, (name, frame) in enumerate(zip(batch.clip, batch.frame, strict=True)):
        base = next(level[key] for key in level if name.startswith(key))
        assert float(batch.source[position].mean()) * 255 == pytest.approx(base, abs=2)
        assert float(batch.target[position].mean()) * 255 == pytest.approx(base + 4 * frame, abs=2)
        assert float(batch.target_aus[position, 8]) == pytest.approx(frame / (FRAMES - 1), abs=1e-3)
        assert float(batch.source_aus[position, 8]) == 0
        assert batch.target_aus[position, 0].isnan()


def test_batch_size_and_order_change_nothing(folder: Path) -> None:
    dataset = Videos(root=folder, size=16)
    listed = samples(dataset)
    whole = dataset.load(listed)
    parts = [Videos(root=folder, size=16).load([sample]) for sample in reversed(listed[:6])]
    assert whole.target is not None
    for sample, part in zip(reversed(range(6)), parts, strict=True):
        assert part.target is not None
        assert torch.equal(part.target[0], whole.target[sample])
        assert torch.equal(part.source[0], whole.source[sample])


def test_steps_leave_frames_out(folder: Path) -> None:
    listed = samples(Videos(root=folder / "bob", size=16, step=4))
    assert [sample.frame for sample in listed] == [4, 8]


def test_cross_subject_has_anothers_aus_and_no_target(folder: Path) -> None:
    dataset = Videos(root=folder, size=16)
    listed = samples(dataset, "cross-subject", 3)
    assert len(listed) == 3 * FRAMES
    for sample in listed:
        assert sample.driver is not None
        assert sample.source.file.subject != sample.driver.file.subject
        assert sample.subject == sample.source.file.subject
    assert dataset.load(listed[:4]).target is None
    assert [s.source for s in listed] == [s.source for s in samples(dataset, "cross-subject", 3)]
    assert "cross-subject" not in Videos(root=folder / "bob").info.protocols


def test_sweep_moves_one_au_of_each_subject(folder: Path) -> None:
    dataset = Videos(root=folder, size=16)
    listed = samples(dataset, "sweep")
    assert len(listed) == 2 * 17 * 5
    batch = dataset.load(listed[:5])
    assert batch.swept_au == ("AU01",) * 5
    assert batch.target is None
    assert batch.target_aus[:, 0].tolist() == [0, 0.25, 0.5, 0.75, 1]


def test_rows_belong_to_the_frames_at_their_times(tmp_path: Path) -> None:
    """Every second frame has a row: the others have no AUs, and say so."""
    write_clip(tmp_path / "a.mp4", 20)
    lines = ["timestamp,AU12"] + [f"{row / 12.5:.3f},{row / 10}" for row in range(FRAMES // 2)]
    (tmp_path / "a.csv").write_text("\n".join(lines))
    dataset = Videos(root=tmp_path, size=16)
    batch = dataset.load(samples(dataset))
    assert batch.frame == (2, 4, 6, 8, 10)
    assert batch.target_aus[:, 8].tolist() == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5])
    assert [item.reason for item in batch.unreadable][:1] == ["a.csv has no AUs for frame 1 of a.mp4"]


def test_failed_rows_have_no_aus_and_the_source_is_the_first_frame_that_has(tmp_path: Path) -> None:
    write_clip(tmp_path / "a.mp4", 20)
    text = (tmp_path / "a.csv").read_text().replace("1, 0.000, 1,", "1, 0.000, 0,")
    (tmp_path / "a.csv").write_text(text)
    dataset = Videos(root=tmp_path / "a.mp4", size=16)
    listed = samples(dataset)
    assert listed[0].source.source_index == 1
    batch = dataset.load(listed)
    assert batch.unreadable[0].reason == "a.csv has no AUs for frame 0 of a.mp4"
    assert float(batch.source[0].mean()) * 255 == pytest.approx(24, abs=2)


def test_subjects_by_a_list(tmp_path: Path) -> None:
    for level, name in ((20, "1.mp4"), (60, "2.mp4"), (100, "3.mp4")):
        write_clip(tmp_path / name, level)
    assert {clip.file.subject for clip in Videos(root=tmp_path).clip_list} == {"1", "2", "3"}
    (tmp_path / "subjects.csv").write_text("file,subject\n1.mp4,Ann\n2.mp4,Ann\n3.mp4,Bob\n")
    assert [clip.file.subject for clip in Videos(root=tmp_path).clip_list] == ["Ann", "Ann", "Bob"]
    (tmp_path / "subjects.csv").write_text("file,subject\n1.mp4,Ann\n2.mp4,Ann\n")
    with pytest.raises(UsageError, match=r"names no subject for 3\.mp4"):
        Videos(root=tmp_path)
    (tmp_path / "subjects.csv").write_text("name,person\n1.mp4,Ann\n")
    with pytest.raises(UsageError, match="columns file and subject"):
        Videos(root=tmp_path)


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ("1.mp4,Ann\n2.mp4\n", "line 3 has 1 cells under 2 column names"),
        ("1.mp4,Ann\n2.mp4,Ann,Bob\n", "line 3 has 3 cells under 2 column names"),
        ("1.mp4,\n2.mp4,Ann\n", r"line 2 names no subject for 1\.mp4"),
        ("1.mp4,Ann\n1.mp4,Bob\n", r"lists 1\.mp4 twice, on lines 2 and 3"),
        ("", "has a header and no rows"),
    ],
)
def test_wrong_rows_of_the_list_of_subjects_are_one_sentence(
    tmp_path: Path, rows: str, sentence: str
) -> None:
    write_clip(tmp_path / "1.mp4", 20)
    (tmp_path / "subjects.csv").write_text(f"file,subject\n{rows}")
    with pytest.raises(UsageError, match=sentence) as caught:
        Videos(root=tmp_path)
    assert "\n" not in str(caught.value)


def test_the_fingerprint_is_over_content_and_not_over_paths(tmp_path: Path, folder: Path) -> None:
    before = Videos(root=folder).fingerprint
    moved = folder.rename(tmp_path / "elsewhere")
    assert Videos(root=moved).fingerprint == before
    others = [Videos(root=moved, size=64), Videos(root=moved, step=2), Videos(root=moved / "ann")]
    text = (moved / "ann" / "one.csv").read_text()
    (moved / "ann" / "one.csv").write_text(text.replace("5.000", "4.000"))
    others.append(Videos(root=moved))
    assert len({before, *(other.fingerprint for other in others)}) == 5


def test_oblong_videos_are_cropped_to_the_centre(tmp_path: Path) -> None:
    write_clip(tmp_path / "wide.mp4", 20, size=(96, 64))
    dataset = Videos(root=tmp_path, size=32)
    assert dataset.load(samples(dataset)[:1]).source.shape == (1, 3, 32, 32)
    strict = Videos(root=tmp_path, size=32, crop="none")
    assert strict.load(samples(strict)[:1]).unreadable[0].reason == (
        "frame 0 of wide.mp4 is 96x64, not square: crop it, or use crop=centre."
    )


def test_rows_after_the_end_of_the_video_are_left_out_by_their_times(tmp_path: Path) -> None:
    write_clip(tmp_path / "a.mp4", 20, rows=2 * FRAMES)
    text = (tmp_path / "a.csv").read_text()
    rows = [line for line in text.splitlines() if float(line.split(", ")[-1].replace("AU12_r", "0")) <= 5]
    rows += [f"{row + 1}, {row / 25:.3f}, 1, 4.9" for row in range(FRAMES, 2 * FRAMES)]
    (tmp_path / "a.csv").write_text("\n".join(rows))
    (clip,) = Videos(root=tmp_path).clip_list
    assert len(clip.aus) == FRAMES
    assert clip.aus[:, 8].tolist() == pytest.approx([row / (FRAMES - 1) for row in range(FRAMES)], abs=1e-3)


def test_at_most_so_many_frames_per_clip_evenly_spaced(folder: Path) -> None:
    listed = samples(Videos(root=folder, per_clip=3))
    assert [sample.frame for sample in listed] == [2, 6, 10] * 3
    assert len(samples(Videos(root=folder, per_clip=100))) == 3 * (FRAMES - 1)
    with pytest.raises(UsageError, match="per_clip=-1"):
        Videos(root=folder, per_clip=-1)


def test_a_truncated_video_is_refused(folder: Path) -> None:
    video = folder / "ann" / "one.mp4"
    content = video.read_bytes()
    video.write_bytes(content[: content.index(b"mdat") + 40])
    with pytest.raises(UsageError, match=r"one\.mp4 is damaged") as caught:
        Videos(root=folder)
    assert "\n" not in str(caught.value)


def test_wrong_folders_get_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no videos"):
        Videos(root=tmp_path)
    with pytest.raises(UsageError, match="no file or folder"):
        Videos(root=tmp_path / "none")
    write_clip(tmp_path / "a.mp4", 20)
    for text, sentence in [
        (None, "has no AU time series beside it: write a.csv"),
        ("frame,gaze\n1,0\n", "no AU columns"),
        ("AU12\n0.5\n0.5\n", "2 rows and no times that fit; a.mp4 has 12 frames"),
        ("face_id,AU12\n0,0.5\n1,0.5\n", "several faces"),
        ("frame,AU12\n" + "1,0.5\n" * FRAMES, "has the frame 1 twice"),
        ("frame,AU12\n1\n", "line 2 has 1 cells under 2 column names"),
        ("AU12_r\n7\n", r"line 2, column 'AU12_r' holds 7, outside \[0, 5\]"),
        ("AU12_r\n-1\n", r"holds -1, outside \[0, 5\]"),
    ]:
        (tmp_path / "a.csv").unlink(missing_ok=True)
        if text is not None:
            (tmp_path / "a.csv").write_text(text)
        with pytest.raises(UsageError, match=sentence) as caught:
            samples(Videos(root=tmp_path))
        assert "\n" not in str(caught.value)
    for arguments, sentence in [({"size": 0}, "no resolution"), ({"step": 0}, "every tenth")]:
        with pytest.raises(UsageError, match=sentence):
            Videos(root=tmp_path, **arguments)
    (tmp_path / "a.csv").write_text("AU12\n" + "nan\n" * FRAMES)
    dataset = Videos(root=tmp_path)
    with pytest.raises(UsageError, match="has a frame with AUs"):
        samples(dataset)
    with pytest.raises(UsageError, match="no split 'val'"):
        dataset.samples("val", "same-subject", 0)


def test_times_are_kept(folder: Path) -> None:
    clip = Videos(root=folder).clip_list[0]
    assert np.allclose(clip.frames.info.times, np.arange(FRAMES) / 25, atol=1e-3)


def test_aus_are_estimated_where_no_csv_lies_beside_a_clip(tmp_path: Path) -> None:
    """The astronaut in every second frame: the others show no face, and are NA."""
    from skimage import data

    face = Image.fromarray(data.astronaut()).crop((96, 0, 352, 256))
    frames = [face, Image.new("RGB", face.size), face, face]
    write_animation(tmp_path / "me.mp4", frames, 25, Provenance("test"))
    with pytest.raises(UsageError, match="estimator=synthfaces"):
        samples(adapter.Videos(root=tmp_path))
    dataset = adapter.Videos(root=tmp_path, estimator="synthfaces")
    (clip,) = dataset.clip_list
    assert [clip.reason(index) is None for index in range(4)] == [True, False, True, True]
    assert "the AU estimator has no AUs for frame 1" in str(clip.reason(1))
    assert np.nanmax(np.abs(clip.aus[0] - clip.aus[3])) < 0.1  # the same picture, but for compression
    batch = dataset.load(dataset.samples("test", "same-subject", 0))
    assert len(batch) == 2
    assert len(batch.unreadable) == 1
    other = adapter.Videos(root=tmp_path, estimator="synthfaces", step=2)
    assert [other.clip_list[0].reason(index) is None for index in range(4)] == [True, False, True, False]
    assert other.fingerprint != dataset.fingerprint


def test_an_unknown_estimator_is_one_sentence(folder: Path) -> None:
    with pytest.raises(UsageError, match="did you mean synthfaces"):
        Videos(root=folder, estimator="synthface")
