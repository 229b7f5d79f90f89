"""The ``portraits`` data set: its laws, the folders it takes, and what it says of wrong ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from gath_datasets.portraits.adapter import Portraits
from gath_datasets.portraits.targets import parse_targets, sweep
from PIL import Image

from gath_bench.contracts import DatasetAdapter, HasMeanPortrait
from gath_bench.errors import UsageError


def save(path: Path, seed: int = 0, width: int = 40, height: int = 40) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(path)


def samples(dataset: Portraits, protocol: str = "same-subject"):
    return dataset.samples("test", protocol, 0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for seed, name in enumerate(["zoe.png", "adam.png", "mia.webp"]):
        save(tmp_path / "photos" / name, seed)
    return tmp_path / "photos"


def test_the_built_in_portrait() -> None:
    dataset = Portraits()
    assert isinstance(dataset, DatasetAdapter)
    assert not isinstance(dataset, HasMeanPortrait)
    info = dataset.info
    assert (info.domain, info.has_target, info.protocols) == ("photo", False, ("same-subject", "sweep"))
    assert "NASA" in info.licence
    batch = dataset.load(samples(dataset))
    assert batch.sample_id[0] == "astronaut--happiness"
    assert batch.source.shape == (6, 3, 128, 128)
    assert batch.source.dtype == batch.target_aus.dtype == torch.float32
    assert batch.target is None
    assert batch.face_mask is None
    assert batch.swept_au is None
    assert batch.target_aus.shape == (6, 17)
    assert torch.equal((batch.source * 255).round() / 255, batch.source)
    assert dataset.fingerprint == Portraits().fingerprint


def test_batch_size_and_order_change_nothing(folder: Path) -> None:
    dataset = Portraits(root=folder, size=24)
    listed = samples(dataset)
    whole = dataset.load(listed)
    parts = [Portraits(root=folder, size=24).load([sample]) for sample in reversed(listed)]
    assert whole.sample_id == tuple(part.sample_id[0] for part in reversed(parts))
    assert torch.equal(whole.source, torch.cat([part.source for part in reversed(parts)]))
    assert torch.equal(whole.target_aus, torch.cat([part.target_aus for part in reversed(parts)]))


def test_flat_folder_file_and_folder_per_subject(tmp_path: Path, folder: Path) -> None:
    flat = Portraits(root=folder, aus="anger")
    assert [sample.subject for sample in samples(flat)] == ["adam", "mia", "zoe"]
    one = Portraits(root=folder / "zoe.png", aus="anger")
    assert [sample.sample_id for sample in samples(one)] == ["zoe--anger"]
    for name in ("bob/1.png", "bob/2.png", "ann/1.png", ".hidden/1.png"):
        save(tmp_path / "people" / name)
    people = samples(Portraits(root=tmp_path / "people", aus="anger"))
    assert [(sample.subject, sample.sample_id) for sample in people] == [
        ("ann", "ann_1--anger"),
        ("bob", "bob_1--anger"),
        ("bob", "bob_2--anger"),
    ]


def test_sample_ids_are_unique_safe_and_fixed(tmp_path: Path) -> None:
    for name in ("a.png", "a.jpg", "my photo.png", "my_photo.png", "ünï.png", "x" * 120 + ".png", "n/a.png"):
        save(tmp_path / name)
    ids = [sample.sample_id for sample in samples(Portraits(root=tmp_path, aus="basic; 12C+6B"))]
    assert len({name.lower() for name in ids}) == len(ids) == 7 * 7
    assert all(name.isascii() and len(name) < 120 and not set(name) & set('/\\:*?"<>| ') for name in ids)
    again = samples(Portraits(root=tmp_path, aus="basic; 12C+6B"))
    assert ids == [sample.sample_id for sample in again]


def test_oblong_images_are_cropped_to_the_centre(tmp_path: Path) -> None:
    pixels = np.zeros((20, 60, 3), np.uint8)
    pixels[:, 20:40] = 255
    Image.fromarray(pixels).save(tmp_path / "wide.png")
    dataset = Portraits(root=tmp_path, size=20, aus="anger")
    assert dataset.load(samples(dataset)).source.min() == 1
    save(tmp_path / "square.png")
    strict = Portraits(root=tmp_path, size=20, aus="anger", crop="none")
    batch = strict.load(samples(strict))
    assert [item.reason for item in batch.unreadable] == [
        "wide.png is 60x20, not square: crop it, or use crop=centre."
    ]


def test_one_unreadable_image_is_a_row_with_a_reason(folder: Path) -> None:
    (folder / "broken.png").write_bytes(b"nothing")
    dataset = Portraits(root=folder, aus="anger")
    batch = dataset.load(samples(dataset))
    assert len(batch) == 3
    (bad,) = batch.unreadable
    assert (bad.sample_id, bad.subject) == ("broken--anger", "broken")
    assert bad.reason == "broken.png is not a PNG, JPEG or WebP image."
    alone = dataset.load([s for s in samples(dataset) if s.subject == "broken"])
    assert alone.source.shape == (0, 3, 128, 128)
    assert alone.target_aus.shape == (0, 17)


def test_presets_strengths_and_named_aus() -> None:
    happy, half, named = parse_targets("happiness;happiness*0.5;12C+AU06=0.4", "openface17")
    assert happy.values[8] == pytest.approx(0.8)
    assert half.values[8] == pytest.approx(0.4)
    assert (named.values[8], named.values[4]) == (pytest.approx(0.6), pytest.approx(0.4))


def test_sweep_moves_one_au_at_a_time() -> None:
    targets = sweep("openface17")
    assert len(targets) == 17 * 5
    for target in targets:
        assert sum(value > 0 for value in target.values) <= 1
    dataset = Portraits(aus="sweep")
    assert dataset.info.protocols == ("sweep",)
    listed = samples(dataset, "sweep")
    batch = dataset.load(listed[:10])
    assert batch.swept_au == ("AU01",) * 5 + ("AU02",) * 5
    assert batch.target_aus[:5, 0].tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert len(samples(Portraits(), "sweep")) == len(listed)


def test_csv_of_openface_and_of_plain_columns(tmp_path: Path) -> None:
    openface = tmp_path / "openface.csv"
    openface.write_text("frame, success, AU06_r, AU12_r\n1, 1, 0.5, 5\n2, 0, 0, 0\n")
    dataset = Portraits(csv=openface)
    batch = dataset.load(samples(dataset))
    assert batch.sample_id == ("astronaut--row00000",)
    assert batch.target_aus[0, 8] == 1
    assert batch.target_aus[0, 4] == pytest.approx(0.1)
    assert batch.target_aus[0, 0].isnan()
    assert batch.unreadable[0].reason == "the face tracker failed on row 1 of openface.csv"
    plain = tmp_path / "plain.csv"
    plain.write_text("AU12,AU06\n0.5,0.25\n")
    assert samples(Portraits(csv=plain))[0].target.values[8] == 0.5


def test_the_fingerprint_is_over_content_and_not_over_paths(tmp_path: Path, folder: Path) -> None:
    again = Portraits(root=folder).fingerprint
    moved = folder.rename(tmp_path / "elsewhere")
    assert Portraits(root=moved).fingerprint == again
    for seed, name in enumerate(["zoe.png", "adam.png", "mia.webp"]):
        save(tmp_path / "photos" / name, seed)
    assert Portraits(root=tmp_path / "photos").fingerprint == again
    others = [
        Portraits(root=moved, size=64),
        Portraits(root=moved, aus="anger"),
        Portraits(root=moved, crop="none"),
        Portraits(root=moved / "zoe.png"),
    ]
    save(tmp_path / "photos" / "zoe.png", seed=9)
    others.append(Portraits(root=tmp_path / "photos"))
    assert len({again, *(other.fingerprint for other in others)}) == 6


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"root": Path("no/such/folder")}, "there is no file or folder"),
        ({"aus": "hapiness"}, "did you mean happiness"),
        ({"aus": "AU12=9"}, r"above 1: write a coefficient .* or FACS notation"),
        ({"aus": "AU12=3"}, r"\(AU12=0.6\) or FACS notation .* \(12C\)"),
        ({"aus": "AU99=1"}, "AU99"),
        ({"aus": "happiness*x"}, "no number after the star"),
        ({"aus": "happiness*9"}, "strength"),
        ({"aus": ""}, "aus is empty"),
        ({"aus": "anger;anger"}, "twice"),
        ({"aus": "anger;basic"}, "twice"),
        ({"aus": "6C;6c"}, "twice"),
        ({"aus": "fear,happiness*0.5"}, r"fear;happiness\*0.5 for several .* fear\+happiness\*0.5 for one"),
        ({"aus": "basic,6C+12D"}, "basic stands between semicolons"),
        ({"aus": "faces.csv"}, "csv=faces.csv"),
        ({"csv": Path("none.csv")}, "cannot read none.csv"),
        ({"csv": Path("none.csv"), "aus": "anger"}, "give one of them"),
        ({"size": 0}, "no resolution"),
        ({"au_space": "openface71"}, "did you mean"),
    ],
)
def test_wrong_parameters_get_one_sentence(arguments, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence) as caught:
        Portraits(**arguments)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a,b\n1,2\n", "no AU columns"),
        ("AU12_r\n7\n", r"outside \[0, 5\]"),
        ("AU12\n3\n", r"outside \[0, 1\]"),
        ("AU12\n", "no rows"),
        ("AU12\nnan\n", "no usable row"),
    ],
)
def test_wrong_csv_files_get_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "aus.csv").write_text(text)
    with pytest.raises(UsageError, match=sentence) as caught:
        Portraits(csv=tmp_path / "aus.csv")
    assert "aus.csv" in str(caught.value)


def test_folders_without_a_usable_image(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no images"):
        Portraits(root=tmp_path)
    (tmp_path / "notes.txt").write_text("not an image")
    with pytest.raises(UsageError, match="holds no images"):
        Portraits(root=tmp_path)
    (tmp_path / "bad.png").write_bytes(b"")
    with pytest.raises(UsageError, match=r"none of the 1 images .*\(bad.png is empty\)"):
        samples(Portraits(root=tmp_path))


def test_unknown_split_and_protocol() -> None:
    dataset = Portraits()
    with pytest.raises(UsageError, match="no split 'val'"):
        dataset.samples("val", "same-subject", 0)
    with pytest.raises(UsageError, match="did you mean same-subject"):
        dataset.samples("test", "same-subjct", 0)
