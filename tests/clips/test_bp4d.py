"""BP4D: its published layout, unknown intensities, and what is said of wrong files."""

from __future__ import annotations

import itertools
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from clips.helpers import write_intensities
from gath_datasets.clips import bp4d
from PIL import Image

from gath_bench.au import get_space
from gath_bench.errors import UsageError

BP4D = partial(bp4d.BP4D, crop="centre", size=8)
FIRST, CODED = 2440, 6
SPACE = get_space("openface17")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Ten subjects, one task each; ten images, of which the middle ones are coded."""
    for subject in [f"F{number:03d}" for number in range(1, 8)] + [
        f"M{number:03d}" for number in range(1, 4)
    ]:
        for frame in range(FIRST - 2, FIRST + CODED + 2):
            image = tmp_path / subject / "T1" / f"{frame}.jpg"
            image.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (16, 16), (frame % 200,) * 3).save(image)
        for au in bp4d.CODED:
            write_intensities(labels(tmp_path, subject, au), [0, 1, 2, 3, 9, 5], FIRST)
    return tmp_path


def labels(root: Path, subject: str = "F001", au: str = "AU12") -> Path:
    return root / "AUCoding" / "AU_INT" / au / f"{subject}_T1_{au}.csv"


def test_coded_frames_are_targets_of_the_first_coded_frame(root: Path) -> None:
    dataset = BP4D(root=root)
    assert "Zhang" in dataset.info.licence
    listed = dataset.samples("train", "same-subject", 0)
    batch = dataset.load([sample for sample in listed if sample.subject == listed[0].subject])
    assert batch.target is not None
    assert batch.frame == (FIRST + 1, FIRST + 2, FIRST + 3, FIRST + 5)
    column = SPACE.index("AU12")
    assert batch.target_aus[:, column].tolist() == pytest.approx([0.2, 0.4, 0.6, 1.0])
    assert batch.target_aus.isnan().sum(1).tolist() == [12] * 4  # five of the 17 AUs are coded
    # The frame whose AUs are all 9.
    assert [item.reason for item in batch.unreadable] == [
        f"{listed[0].subject}/T1/{FIRST + 4} has no AU labels"
    ]


def test_nine_is_unknown_for_one_au(root: Path) -> None:
    write_intensities(labels(root, "F001", "AU06"), [9] * CODED, FIRST)
    dataset = BP4D(root=root)
    assert dataset.index.aus is not None
    rows = [place for place, subject in enumerate(dataset.index.subjects) if subject == "F001"]
    assert np.isnan(dataset.index.aus[rows][:, SPACE.index("AU06")]).all()
    assert not np.isnan(dataset.index.aus[rows[:4]][:, SPACE.index("AU12")]).any()


def test_streams_show_frames_with_all_coded_aus_and_nan_for_the_others(root: Path) -> None:
    """The frame whose intensities are 9 is in no stream of AUs."""
    dataset = BP4D(root=root)
    stills = dataset.stills(batch_size=2, seed=0)
    assert next(stills).images.shape == (2, 3, 8, 8)
    stills.close()
    coded = [label in bp4d.CODED for label in SPACE.labels]
    frames, clips = dataset.frames(batch_size=8, seed=0), dataset.clips(batch_size=8, seed=0)
    frame, clip = next(frames), next(clips)
    frames.close()
    clips.close()
    for aus in (frame.aus, clip.source_aus, clip.target_aus):
        assert [not column.all() for column in aus.isnan().T] == coded
        assert not aus[:, coded].isnan().any()
    shown = {dataset.index.frames[place] for place in dataset.streams.positions("frames")}
    assert shown == {FIRST, FIRST + 1, FIRST + 2, FIRST + 3, FIRST + 5}


def test_images_that_lack_an_au_which_others_have_are_in_no_stream(root: Path) -> None:
    people = sorted(path.name for path in root.iterdir() if path.name[0] in "FM")
    for subject, au in itertools.product(people, bp4d.CODED):
        write_intensities(labels(root, subject, au), [9] * CODED, FIRST)
    with pytest.raises(UsageError, match="no image with an AU label in the split train, which frames need"):
        BP4D(root=root).frames(batch_size=2, seed=0)
    for number, subject in enumerate(people):
        write_intensities(labels(root, subject, ("AU12", "AU17")[number % 2]), [1] * CODED, FIRST)
    with pytest.raises(UsageError, match=r"every AU that its labels cover: AU12, AU17\)\.$"):
        BP4D(root=root).frames(batch_size=2, seed=0)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("2440,1\n2441\n", "line 2 has 1 of 2 columns"),
        ("2440,7\n", r"7 is outside \[0, 5\]"),
        ("2440,-1\n", r"-1 is outside \[0, 5\]"),
        ("2440,1\n2440,2\n", "lists 2440 twice, on lines 1 and 2"),
        ("".join(f"{FIRST + row},0\n" for row in range(30)), "22 frames after the end of the video"),
    ],
)
def test_wrong_labels_are_one_sentence(root: Path, text: str, sentence: str) -> None:
    labels(root).write_text(text)
    with pytest.raises(UsageError, match=sentence) as caught:
        BP4D(root=root)
    assert "\n" not in str(caught.value)


def test_wrong_folders_and_files_are_one_sentence(root: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no such folder"):
        BP4D(root=tmp_path / "none")
    with pytest.raises(UsageError, match=r"no folder AUCoding/AU_INT\): expected are .*F001/T1/2440\.jpg"):
        BP4D(root=root / "F001")
    with pytest.raises(UsageError, match="arkit52"):
        BP4D(root=root, au_space="arkit52")
    (root / "F001" / "T1" / f"0{FIRST}.jpg").write_bytes(b"")
    with pytest.raises(UsageError, match=f"has frame {FIRST} twice"):
        BP4D(root=root)
    (root / "F001" / "T1" / f"0{FIRST}.jpg").unlink()
    labels(root, au="AU14").unlink()
    with pytest.raises(UsageError, match=r"no file AUCoding/AU_INT/AU14/F001_T1_AU14\.csv"):
        BP4D(root=root)


def test_a_truncated_image_is_na(root: Path) -> None:
    dataset = BP4D(root=root)
    listed = dataset.samples("train", "same-subject", 0)
    path = root / listed[0].subject / "T1" / f"{FIRST + 1}.jpg"
    path.write_bytes(path.read_bytes()[:200])
    batch = dataset.load(listed[:2])
    assert len(batch) == 1
    assert f"{FIRST + 1}.jpg is damaged" in batch.unreadable[0].reason
