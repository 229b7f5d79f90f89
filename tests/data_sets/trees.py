"""Small trees in the published layouts. Images are noise, so that no detector is needed and no two are equal."""

from __future__ import annotations

import io
import pickle
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from gath_datasets.common.splits import hashed_split, held_out_of_train
from PIL import Image

SIZE = 16


def image_bytes(seed: int, suffix: str = ".jpg", size: int = SIZE) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (size, size, 3)).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="JPEG" if suffix == ".jpg" else "PNG")
    return buffer.getvalue()


def put_image(path: Path, seed: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(image_bytes(seed, path.suffix))


def put_text(path: Path, *lines: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")


def spread(
    names: Iterable[str], split_of: Callable[[str], str] = hashed_split, train: int = 6, held_out: int = 2
) -> list[str]:
    """The first names of which ``train`` are hashed into the split train, and ``held_out`` into each other one."""
    counts: Counter[str] = Counter()
    wanted = {"train": train, "val": held_out, "test": held_out if split_of is hashed_split else 0}
    chosen = []
    for name in names:
        split = split_of(name)
        if counts[split] < wanted[split]:
            counts[split] += 1
            chosen.append(name)
        if counts.total() == sum(wanted.values()):
            return chosen
    raise AssertionError("not enough names")


def subject_folders(root: Path) -> Path:
    for number, name in enumerate(spread(f"person{index}" for index in range(200))):
        for shot in range(2):
            put_image(root / name / f"{shot}.jpg", 10 * number + shot)
    return root


def lfw(root: Path) -> Path:
    others = spread((f"Person_{index}" for index in range(200)), held_out_of_train)
    names = ["Person_A", "Person_B", "Person_C", *others]
    for number, name in enumerate(names):
        for shot in (1, 2):
            put_image(root / "lfw" / name / f"{name}_{shot:04d}.jpg", 10 * number + shot)
    put_text(root / "pairs.txt", "10\t300", "Person_A\t1\t2", "Person_B\t1\tPerson_C\t2", "Person_B\t1\t2")
    return root


def vggface2(root: Path) -> Path:
    trained = spread((f"n{number:06d}" for number in range(100, 300)), held_out_of_train)
    for split, identities in (("train", trained), ("test", ["n000001", "n000009"])):
        for number, identity in enumerate(identities):
            for shot in (1, 2):
                put_image(root / split / identity / f"{shot:04d}_01.jpg", 10 * number + shot)
    return root


def casia(root: Path) -> Path:
    for number, name in enumerate(spread(f"{index:07d}" for index in range(200))):
        for shot in (1, 2):
            put_image(root / "CASIA-WebFace" / name / f"{shot:03d}.jpg", 10 * number + shot)
    return root


def celeba(root: Path, landmarks: bool = False) -> Path:
    names = [f"{number:06d}.jpg" for number in range(1, 13)]
    for number, name in enumerate(names):
        put_image(root / "img_align_celeba" / name, number)
    identities = [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6]
    partition = [0, 0, 0, 0, 0, 0, 1, 1, 2, 2, 2, 2]
    put_text(root / "identity_CelebA.txt", *map("{} {}".format, names, identities))
    put_text(root / "list_eval_partition.txt", *map("{} {}".format, names, partition))
    if landmarks:
        points = "5 6 10 6 8 9 6 12 10 12"
        header = "lefteye_x lefteye_y righteye_x righteye_y nose_x nose_y ..."
        put_text(
            root / "list_landmarks_align_celeba.txt", "12", header, *(f"{name} {points}" for name in names)
        )
    return root


def ffhq(root: Path) -> Path:
    trained = spread((f"{number:05d}" for number in range(200)), held_out_of_train)
    for number in (*map(int, trained), 60000, 69999):
        put_image(root / "thumbnails128x128" / f"{number // 1000 * 1000:05d}" / f"{number:05d}.png", number)
    return root


def affectnet_lists(root: Path) -> Path:
    header = "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,expression,valence,arousal"
    trained = spread((f"1/{number}.jpg" for number in range(200)), held_out_of_train)
    for name, images in (("training", trained), ("validation", ["2/0.jpg", "2/1.jpg"])):
        rows = []
        for number, image in enumerate(images):
            put_image(root / "Manually_Annotated_Images" / image, number + 50 * len(images))
            rows.append(f"{image},0,0,16,16,1;2;3;4,{number % 2},0.1,-0.2")
        put_text(root / f"{name}.csv", header, *rows, f"{images[0][0]}/absent.jpg,0,0,1,1,1;2,10,-2,-2")
    return root


def affectnet_arrays(root: Path) -> Path:
    trained = spread((f"train_set/images/{number}.jpg" for number in range(200)), held_out_of_train)
    for image in (*trained, "val_set/images/0.jpg", "val_set/images/1.jpg"):
        put_image(root / image, len(image) + int(Path(image).stem))
        label = root / Path(image).parts[0] / "annotations" / f"{Path(image).stem}_exp.npy"
        label.parent.mkdir(exist_ok=True)
        np.save(label, np.array(str(int(Path(image).stem) % 2)))
    return root


def emotionet(root: Path) -> Path:
    rows = ["URL,URL orig,'AU 1','AU 2','AU 12','AU 43','AU 60'"]
    for number, name in enumerate(spread(f"N_{index}.jpg" for index in range(200))):
        put_image(root / "images" / name, number)
        url = f"'http://example.org/a,b/{name}"  # a stray quote, and a comma inside
        rows.append(f'{url},http://other.org/"x.jpg,{number % 2},0,1,999,0')
    rows.append("http://example.org/dead.jpg,http://other.org/dead.jpg,0,0,1,999,0")
    put_text(root / "labels.csv", *rows)
    return root


#: FACS lines of the peak frames: AU and intensity; 0 is "no intensity given".
FACS = ("   1.0000000e+00   3.0000000e+00", "   1.2000000e+01   5.0000000e+00")


def ck_plus(root: Path) -> Path:
    subjects = spread((f"S{index:03d}" for index in range(5, 300)), train=18)
    for number, subject in enumerate(subjects):
        for frame in (1, 2, 3):
            name = f"{subject}_001_{frame:08d}"
            put_image(root / "cohn-kanade-images" / subject / "001" / f"{name}.png", 10 * number + frame)
        put_text(root / "FACS" / subject / "001" / f"{subject}_001_{3:08d}_facs.txt", *FACS)
    put_text(
        root / "Emotion" / subjects[0] / "001" / f"{subjects[0]}_001_00000003_emotion.txt", "   5.0000000e+00"
    )
    return root


def ganimation(root: Path, change: Callable[[dict[str, object]], None] = lambda _: None) -> Path:
    train = spread((f"N_{number}.jpg" for number in range(200)), held_out_of_train)
    test = ["T_1.jpg", "T_2.jpg"]
    aus: dict[str, object] = {}
    for number, name in enumerate((*train, *test)):
        put_image(root / "imgs" / name, number)
        aus[name[:-4]] = np.linspace(0, 5, 17) * (number % 3) / 2
    change(aus)
    (root / "aus_openface.pkl").write_bytes(pickle.dumps(aus))
    put_text(root / "train_ids.csv", *train)
    put_text(root / "test_ids.csv", *test)
    return root
