"""Small trees of the data sets of clips and of records. Frames are plain greys, so that no detector is needed."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from clips.helpers import write_csv, write_disfa, write_intensities, write_video
from data_sets.trees import image_bytes, put_image, spread
from gath_datasets.clips.bp4d import CODED
from gath_datasets.clips.dataset import split_subjects

from gath_bench.au import get_space

AUS = get_space("openface17").labels
#: Subjects of each split: cross-subject needs two, training three.
PEOPLE = {"train": 3, "val": 2, "test": 2}
FRAMES = 4


def people(names: Iterable[str]) -> tuple[str, ...]:
    """The first names that the split by hash of clips puts into each split, as many as `PEOPLE` has."""
    left, chosen = dict(PEOPLE), []
    for name in names:
        split = split_subjects([name], None)[name]
        if left[split]:
            left[split] -= 1
            chosen.append(name)
    assert not any(left.values())
    return tuple(chosen)


def labelled_video(path: Path, level: int) -> None:
    write_video(path, level, frames=FRAMES)
    write_csv(path.with_suffix(".csv"), frames=FRAMES, columns=" ".join(AUS))


def disfa(root: Path) -> Path:
    return write_disfa(root, people(f"SN{number:03d}" for number in range(1, 99)))


def ravdess(root: Path) -> Path:
    for place, actor in enumerate(people(f"Actor_{number:02d}" for number in range(1, 99))):
        labelled_video(root / actor / f"02-01-06-01-01-01-{actor[-2:]}.mp4", 20 + 20 * place)
    return root


def ravdess_without_labels(root: Path) -> Path:
    for labels in ravdess(root).rglob("*.csv"):
        labels.unlink()
    return root


def mead(root: Path) -> Path:
    for place, actor in enumerate(people(f"M{number:03d}" for number in range(1, 99))):
        labelled_video(root / actor / "video" / "front" / "happy" / "level_3" / "001.mp4", 20 + 20 * place)
    return root


def videos(root: Path) -> Path:
    for place, name in enumerate("abcde"):
        labelled_video(root / f"{name}.mp4", 20 + 20 * place)
    return root


def bp4d(root: Path) -> Path:
    for number, subject in enumerate(spread(f"F{index:03d}" for index in range(1, 300))):
        for frame in range(3):
            put_image(root / subject / "T1" / f"{frame}.jpg", 10 * number + frame)
        for au in CODED:
            write_intensities(root / "AUCoding" / "AU_INT" / au / f"{subject}_T1_{au}.csv", [0, 1, 5], 0)
    return root


def records() -> Iterable[tuple[bytes, dict[str, Any]]]:
    """Image and labels of each record: three frames of each of many people."""
    for number, person in enumerate(spread((f"p{index:03d}" for index in range(300)), train=18)):
        for frame in range(3):
            labels = {"person": person, "take": "a", **dict.fromkeys(AUS, frame / 4)}
            yield image_bytes(10 * number + frame), labels


def webdataset(root: Path) -> Path:
    root.mkdir()
    with tarfile.open(root / "000000.tar", "w") as tar:
        for number, (image, labels) in enumerate(records()):
            for suffix, content in (("jpg", image), ("json", json.dumps(labels).encode())):
                member = tarfile.TarInfo(f"{number:06d}.{suffix}")
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
    return root


def huggingface(root: Path) -> Path:
    import datasets

    rows = [{"image": {"bytes": image, "path": None}, **labels} for image, labels in records()]
    datasets.Dataset.from_list(rows).cast_column("image", datasets.Image()).save_to_disk(str(root))
    return root
