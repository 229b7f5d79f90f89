"""DISFA: its published layout, and what is said of wrong files."""

from __future__ import annotations

from functools import partial
from itertools import islice
from pathlib import Path

import pytest
import torch
from clips.helpers import FRAMES, STEP, write_disfa, write_intensities, write_video
from gath_datasets.clips.disfa import Disfa

from gath_bench.au import get_space
from gath_bench.errors import UsageError

pytest.importorskip("av")
Dataset = partial(Disfa, crop="centre", size=8)
SUBJECTS = ("SN001", "SN002", "SN003", "SN004", "SN005", "SN006", "SN007", "SN008")
AU12 = get_space("disfa12").index("AU12")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_disfa(tmp_path / "DISFA", SUBJECTS)


def labels(root: Path, subject: str = "SN001", au: int = 12) -> Path:
    return root / "ActionUnit_Labels" / subject / f"{subject}_au{au}.txt"


def test_frames_have_the_intensities_of_their_number(root: Path) -> None:
    dataset = Dataset(root=root)
    info = dataset.info
    assert info.au_space == "disfa12"
    assert "Mavadati" in info.licence
    assert set(dataset.splits) == set(SUBJECTS)
    for split in info.splits:
        listed = dataset.samples(split, "same-subject", 0)
        batch = dataset.load(listed)
        assert batch.target is not None
        assert batch.frame is not None
        assert len(batch) == len({sample.subject for sample in listed}) * (FRAMES - 1)
        for position, frame in enumerate(batch.frame):
            # Labels count frames from 1.
            assert float(batch.target_aus[position, AU12]) == pytest.approx((frame + 1) % 6 / 5)
            assert not batch.target_aus[position].isnan().any()
            level = (batch.target - batch.source)[position].mean() * 255
            assert float(level) == pytest.approx(STEP * frame, abs=2)


def test_splits_and_streams_share_no_subject(root: Path) -> None:
    dataset = Dataset(root=root)
    people = {
        split: {sample.subject for sample in dataset.samples(split, "same-subject", 0)}
        for split in dataset.info.splits
    }
    assert "test" in people
    assert dataset.identities() >= 2
    batches = dataset.clips(batch_size=4, seed=0)
    for batch in islice(batches, 3):
        assert batch.source_aus.shape == (4, 12)
        assert not torch.equal(batch.source, batch.target)
    batches.close()
    held = set().union(*people.values())
    streams = dataset.streams
    assert not held & (streams.subjects("stills") | streams.subjects("clips"))


def test_the_fingerprint_is_over_content_and_not_over_paths(root: Path, tmp_path: Path) -> None:
    before = Dataset(root=root).fingerprint
    moved = root.rename(tmp_path / "elsewhere")
    assert Dataset(root=moved).fingerprint == before
    write_intensities(labels(moved), [5] * FRAMES)
    assert Dataset(root=moved).fingerprint != before


def test_other_spaces_and_cameras(root: Path) -> None:
    dataset = Dataset(root=root, au_space="openface17")
    batch = dataset.load(dataset.samples("test", "same-subject", 0)[:1])
    assert batch.target_aus.isnan().sum() == 5  # AU07, AU10, AU14, AU23 and AU45 are not coded
    (root / "Videos_LeftCamera").rename(root / "Video_RightCamera")
    assert len(Dataset(root=root, camera="right").clip_list) == len(SUBJECTS)
    with pytest.raises(UsageError, match="no folder Videos_LeftCamera"):
        Dataset(root=root)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("1,0\n2\n", r"line 2 has 1 of 2 columns \(frame, intensity\)"),
        ("1,7\n", r"line 1: 7 is outside \[0, 5\]"),
        ("1,-1\n", r"line 1: -1 is outside \[0, 5\]"),
        ("1,9\n", r"line 1: 9 is outside \[0, 5\]"),
        ("1,x\n", "line 1: 'x' is not a number"),
        ("one,0\n", "'one' is not a frame number"),
        ("1,0\n1,0\n", r"lists 1 twice, on lines 1 and 2"),
        ("", "has no rows"),
        ("".join(f"{frame},0\n" for frame in range(1, 20)), "11 frames after the end of the video"),
    ],
)
def test_wrong_labels_are_one_sentence(root: Path, text: str, sentence: str) -> None:
    labels(root).write_text(text)
    with pytest.raises(UsageError, match=sentence) as caught:
        Dataset(root=root)
    assert "\n" not in str(caught.value)
    assert "SN001" in str(caught.value)


def test_unknown_intensities_and_a_few_rows_too_many(root: Path) -> None:
    """NaN is unknown; two rows beyond the end are left out; a frame without a row is unknown."""
    write_intensities(labels(root), ["nan", *[1] * (FRAMES + 1)])
    labels(root, au=1).write_text("1,0\n")
    clip = next(clip for clip in Dataset(root=root).clip_list if clip.file.subject == "SN001")
    assert clip.aus.shape == (FRAMES, 12)
    assert torch.from_numpy(clip.aus[:, AU12]).isnan().tolist() == [True] + [False] * (FRAMES - 1)
    assert torch.from_numpy(clip.aus[:, 0]).isnan().tolist() == [False] + [True] * (FRAMES - 1)
    assert clip.reason(0) is None


def test_wrong_folders_are_one_sentence(root: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"is not a disfa folder \(there is no such folder\)"):
        Dataset(root=tmp_path / "none")
    with pytest.raises(UsageError, match=r"no folder ActionUnit_Labels.*expected are .*SN001_au1\.txt"):
        Dataset(root=tmp_path)
    labels(root, au=25).unlink()
    with pytest.raises(UsageError, match=r"no file ActionUnit_Labels/SN001/SN001_au25\.txt"):
        Dataset(root=root)


def test_damaged_videos(root: Path) -> None:
    """One that cannot be opened is refused; frames that cannot be decoded are NA."""
    dataset = Dataset(root=root, splits=_all_in_test(root))
    video = root / "Videos_LeftCamera" / "LeftVideoSN001_comp.avi"
    content = video.read_bytes()
    media = content.index(b"mdat") + 4
    video.write_bytes(content[: media + 60] + bytes(len(content) - media - 60))
    broken = Dataset(root=root, splits=_all_in_test(root))
    assert len(broken.clip_list) == len(dataset.clip_list)
    listed = [s for s in broken.samples("test", "same-subject", 0) if s.subject == "SN001"]
    batch = broken.load(listed)
    assert batch.unreadable
    assert all("SN001" in item.reason and "\n" not in item.reason for item in batch.unreadable)
    video.write_bytes(b"no video")
    with pytest.raises(UsageError, match=r"LeftVideoSN001_comp\.avi is damaged or not a video"):
        Dataset(root=root)
    write_video(video, 20, frames=3)
    with pytest.raises(UsageError, match="frames after the end of the video"):
        Dataset(root=root)


def _all_in_test(root: Path) -> Path:
    path = root / "splits.csv"
    path.write_text("subject,split\n" + "".join(f"{subject},test\n" for subject in SUBJECTS))
    return path
