"""The data set `portraits`."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from gath_datasets.portraits import adapter
from PIL import Image
from portraits.conftest import save
from skimage import data

from gath_bench.contracts import DatasetAdapter, HasMeanPortrait
from gath_bench.errors import UsageError
from gath_bench.faces import SYNTHFACES

#: The images of these tests show no faces.
Portraits = partial(adapter.Portraits, crop="centre")


def samples(dataset: adapter.Portraits, protocol: str = "same-subject"):
    return dataset.samples("test", protocol, 0)


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


def test_values_do_not_depend_on_batch_size_and_order(folder: Path) -> None:
    dataset = Portraits(root=folder, size=24)
    listed = samples(dataset)
    whole = dataset.load(listed)
    parts = [Portraits(root=folder, size=24).load([sample]) for sample in reversed(listed)]
    assert whole.sample_id == tuple(part.sample_id[0] for part in reversed(parts))
    assert torch.equal(whole.source, torch.cat([part.source for part in reversed(parts)]))
    assert torch.equal(whole.target_aus, torch.cat([part.target_aus for part in reversed(parts)]))


def test_rectangular_images_are_cropped_to_the_centre(tmp_path: Path) -> None:
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


def test_an_unreadable_image_is_na_with_a_reason(folder: Path) -> None:
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


def test_the_fingerprint_depends_on_content_and_not_on_paths(tmp_path: Path, folder: Path) -> None:
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
        ({"aus": "basic,6C+12D"}, "separate basic from other targets"),
        ({"aus": "faces.csv"}, "csv=faces.csv"),
        ({"csv": Path("none.csv")}, "cannot read none.csv"),
        ({"csv": Path("none.csv"), "aus": "anger"}, "give one of them"),
        ({"size": 0}, "not a resolution"),
        ({"au_space": "openface71"}, "did you mean"),
    ],
)
def test_wrong_parameters_give_one_sentence(arguments, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence) as caught:
        Portraits(**arguments)
    assert "\n" not in str(caught.value)


def test_unknown_split_and_protocol() -> None:
    dataset = Portraits()
    with pytest.raises(UsageError, match="no split 'val'"):
        dataset.samples("val", "same-subject", 0)
    with pytest.raises(UsageError, match="did you mean same-subject"):
        dataset.samples("test", "same-subjct", 0)


def test_the_framing_of_the_built_in_portrait_is_known_and_that_of_files_is_not(folder: Path) -> None:
    template = Portraits(crop="centre").info.template
    assert template is not None
    assert template.name == "astronaut"
    assert Portraits(root=folder, crop="centre").info.template is None


def test_the_default_aligns_the_face_and_knows_where_it_is() -> None:
    dataset = adapter.Portraits(size=64)
    assert dataset.info.template == SYNTHFACES
    batch = dataset.load(samples(dataset)[:2])
    assert batch.source.shape == (2, 3, 64, 64)
    assert batch.face_mask is not None
    middle, corner = batch.face_mask[0, 0, 24:44, 24:40], batch.face_mask[0, 0, :6, :6]
    assert middle.mean() == 1
    assert corner.mean() == 0


def test_a_photo_without_a_face_is_a_row_with_that_reason(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = adapter.Portraits(root=folder, aus="anger")
    monkeypatch.setattr(dataset, "_refuse_unreadable", lambda: None)
    batch = dataset.load(samples(dataset))
    assert len(batch) == 0
    assert batch.unreadable[0].reason == "no face was found in adam.png: crop=centre takes it as it is."


def test_all_faces_of_a_group_are_subjects_of_their_own(tmp_path: Path) -> None:
    """Two copies of one face, the second half as large; the crops are of the right faces."""
    face = Image.fromarray(data.astronaut()[:300, 60:400])
    group = Image.new("RGB", (560, 300), (90, 110, 100))
    group.paste(face, (0, 0))
    group.paste(face.resize((170, 150)), (370, 80))
    group.save(tmp_path / "group.png")
    largest = adapter.Portraits(root=tmp_path, aus="anger")
    dataset = adapter.Portraits(root=tmp_path, aus="anger", faces="all")
    assert [sample.sample_id for sample in samples(largest)] == ["group--anger"]
    found = samples(dataset)
    assert [sample.sample_id for sample in found] == ["group--anger", "group-face2--anger"]
    assert len({sample.subject for sample in found}) == 2
    batch = dataset.load(found)
    assert torch.equal(batch.source[:1], largest.load(samples(largest)).source)
    difference = (batch.source[0] - batch.source[1]).abs().mean()
    assert 0 < difference < 0.06  # one face at two sizes
    assert dataset.fingerprint != largest.fingerprint


def test_all_faces_need_a_face_crop() -> None:
    with pytest.raises(UsageError, match="faces=all needs crop=face, but crop is centre"):
        adapter.Portraits(crop="centre", faces="all")
