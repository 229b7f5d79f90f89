"""Documented behaviour of the still image data sets on damaged trees: one sentence, or NA with a reason."""

from __future__ import annotations

import math
import pickle
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from data_sets import trees
from data_sets.conformance import assert_sentence
from data_sets.test_conformance import STILL, named

from gath_bench.errors import UsageError

Damage = Callable[[Path], None]
TREES = {name: tree for name, (_, tree, _) in STILL.items()}


def replace(path: str, old: str, new: str) -> Damage:
    """Replace text in a file of the tree; the first file that a pattern matches."""

    def damage(root: Path) -> None:
        file = min(root.glob(path))
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new, 1))

    return damage


def remove(path: str) -> Damage:
    return lambda root: min(root.glob(path)).unlink()


def append(path: str, line: str) -> Damage:
    def damage(root: Path) -> None:
        with min(root.glob(path)).open("a") as file:
            file.write(f"{line}\n")

    return damage


def set_aus(key: str, position: int, value: float) -> Damage:
    """Change one intensity in GANimation's pickle."""

    def damage(root: Path) -> None:
        aus = pickle.loads((root / "aus_openface.pkl").read_bytes())
        aus[key][position] = value
        (root / "aus_openface.pkl").write_bytes(pickle.dumps(aus))

    return damage


@pytest.mark.parametrize("case", STILL)
def test_a_wrong_root_is_refused_with_the_expected_tree(case: str, tmp_path: Path) -> None:
    make, _, _ = STILL[case]
    name = case.split(",")[0].split(" ")[0]
    (tmp_path / "empty").mkdir()
    for root in (tmp_path / "nowhere", tmp_path / "empty"):
        with pytest.raises(
            UsageError, match=f"is not a {name} folder .* expected (is|are) {root}/"
        ) as caught:
            make(root)
        assert_sentence(caught.value)


@pytest.mark.parametrize(
    ("case", "damage", "sentence"),
    [
        # Missing label files.
        ("lfw", remove("pairs.txt"), "no file pairs.txt"),
        (
            "celeba",
            lambda root: (root / "img_align_celeba").rename(root / "x"),
            r"\(no folder img_align_celeba\)",
        ),
        ("celeba", remove("identity_CelebA.txt"), "no file identity_CelebA.txt"),
        ("celeba", remove("list_eval_partition.txt"), "no file list_eval_partition.txt"),
        ("affectnet", remove("validation.csv"), "no file validation.csv"),
        ("affectnet, newer release", remove("train_set/annotations/*"), "_exp.npy is missing"),
        ("emotionet", remove("labels.csv"), "no CSV"),
        ("ganimation", remove("aus_openface.pkl"), "no file aus_openface.pkl"),
        ("ganimation", remove("test_ids.csv"), "no file test_ids.csv"),
        # Rows with too few columns.
        ("lfw", append("pairs.txt", "Person_A\t1"), "line 5 has 2 of 3 columns"),
        ("celeba", replace("identity_CelebA.txt", "000004.jpg 2", "000004.jpg"), "line 4 has 1 of 2 columns"),
        ("celeba", replace("list_eval*", "000012.jpg 2", "000012.jpg"), "line 12 has 1 of 2 columns"),
        (
            "celeba with landmarks",
            replace("list_land*", "000002.jpg 5 6", "000002.jpg 5"),
            "line 4 has 10 of 11 columns",
        ),
        ("affectnet", replace("training.csv", "1;2;3;4,", ""), "line 2 has 8 cells under 9 column names"),
        ("emotionet", append("labels.csv", "http://a.org/x.jpg,1,0"), "line 13 has 3 of 7 columns"),
        ("ck-plus", append("FACS/*/*/*.txt", "   6.0000000e+00"), "line 3 has 1 of 2 columns"),
        # AU labels of 7 and -1, and labels that are not numbers.
        ("emotionet", append("labels.csv", "http://a.org/N.jpg,,7,0,0,0,0"), "line 13, AU01: 7 is outside"),
        ("emotionet", append("labels.csv", "http://a.org/N.jpg,,-1,0,0,0,0"), "line 13, AU01: -1 is outside"),
        ("emotionet", append("labels.csv", "http://a.org/N.jpg,,.5,0,0,0,0"), "AU01: .5 is not 0, 1 or 999"),
        ("ck-plus", append("FACS/*/*/*.txt", "6 7"), "line 3, AU06: 7 is outside"),
        ("ck-plus", append("FACS/*/*/*.txt", "6 -1"), "line 3, AU06: -1 is outside"),
        ("ck-plus", append("FACS/*/*/*.txt", "6 C"), "line 3, AU06: 'C' is not a number"),
        ("ck-plus", append("FACS/*/*/*.txt", "6.5 1"), "line 3: 6.5 is not the number of an action unit"),
        ("ganimation", set_aus("T_1", 2, 7.0), "T_1, AU04: 7.0 is outside"),
        ("ganimation", set_aus("T_1", 0, -1.0), "T_1, AU01: -1.0 is outside"),
        ("ganimation", set_aus("T_1", 0, math.inf), "T_1, AU01: inf is outside"),
        # Duplicates.
        (
            "celeba",
            append("identity_CelebA.txt", "000003.jpg 9"),
            "lists 000003.jpg twice, on lines 3 and 13",
        ),
        ("affectnet", append("validation.csv", "2/0.jpg,0,0,1,1,1,0,0,0"), "lists 2/0.jpg twice"),
        ("ganimation", append("test_ids.csv", "T_1.jpg"), "lists T_1.jpg twice, on lines 1 and 3"),
        # Labels that do not fit together.
        ("celeba", replace("identity_CelebA.txt", "000004.jpg 2\n", ""), "has no line for 000004.jpg"),
        ("celeba", replace("list_eval*", "000012.jpg 2", "000012.jpg 3"), "line 12: '3' is not 0"),
        ("lfw", append("pairs.txt", "Nobody\t1\t2"), "line 5 names Nobody, which has no folder"),
        ("affectnet", replace("training.csv", ",0,0.1", ",11,0.1"), "expression '11' is not a number from"),
        ("affectnet", append("validation.csv", "../x.jpg,0,0,1,1,1,0,0,0"), "not a file below the folder"),
        ("affectnet", replace("training.csv", "expression", "expr"), "has no column 'expression'"),
        ("ganimation", append("train_ids.csv", "/etc/passwd"), "not a file below the folder"),
        ("emotionet", replace("labels.csv", "'AU 1','AU 2','AU 12','AU 43','AU 60'", "x"), "has no columns"),
    ],
)
def test_damaged_labels_are_refused(case: str, damage: Damage, sentence: str, tmp_path: Path) -> None:
    root = TREES[case](tmp_path / "root")
    damage(root)
    with pytest.raises(UsageError, match=sentence) as caught:
        STILL[case][0](root)
    assert_sentence(caught.value)


@pytest.mark.parametrize(
    "place", ["img_align_celeba", "img_align_celeba/img_align_celeba", "Img/img_align_celeba"]
)
def test_the_images_of_celeba_are_found_in_the_places_of_its_archives(place: str, tmp_path: Path) -> None:
    root = trees.celeba(tmp_path / "root")
    images = (root / "img_align_celeba").rename(root / "images")
    (root / place).parent.mkdir(exist_ok=True)
    images.rename(root / place)
    assert len(STILL["celeba"][0](root).samples("test", "same-subject", 0)) == 24


@pytest.mark.parametrize("case", STILL)
def test_a_truncated_image_is_na_and_left_out_of_streams(case: str, tmp_path: Path) -> None:
    make, tree, streams = STILL[case]
    dataset = make(tree(tmp_path / "root"))
    protocol = dataset.info.protocols[0]
    sample = dataset.samples("test", protocol, 0)[-1]
    file = dataset.index.root / dataset.index.paths[sample.source if sample.target is None else sample.target]
    file.write_bytes(file.read_bytes()[:200])
    batch = make(tmp_path / "root").load([sample])
    assert len(batch) == 0
    assert file.name in batch.unreadable[0].reason
    assert "damaged" in batch.unreadable[0].reason
    for stream in streams:
        positions = dataset.streams.positions(stream).tolist()
        bad = dataset.index.root / dataset.index.paths[positions[0]]
        whole = bad.read_bytes()
        bad.write_bytes(whole[:200])
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            batches = getattr(make(tmp_path / "root"), stream)(batch_size=8, seed=0)
            first = next(batches)
            batches.close()
        assert len(getattr(first, "images", getattr(first, "source", ()))) == 8
        bad.write_bytes(whole)


def test_a_stream_of_unreadable_images_ends_with_a_sentence(tmp_path: Path) -> None:
    root = trees.lfw(tmp_path / "root")
    dataset = named("lfw")(root)
    for path in root.rglob("*.jpg"):
        path.write_bytes(b"")
    with pytest.raises(UsageError, match=r"images of lfw in a row cannot be used .*is empty") as caught:
        next(dataset.stills(batch_size=2, seed=0))
    assert_sentence(caught.value)
    with pytest.raises(UsageError, match="none of its first images can be read"):
        dataset.samples("test", "same-subject", 0)


def test_an_empty_split_names_the_counts_and_the_way_out(tmp_path: Path) -> None:
    for shot in range(2):
        trees.put_image(tmp_path / "root" / "ann" / f"{shot}.jpg", shot)
    dataset = named("subject-folders")(tmp_path / "root")
    empty = next(split for split in ("test", "val") if split not in dataset.index.splits)
    with pytest.raises(UsageError, match=r"no image in the split .* splits=FILE.csv") as caught:
        dataset.samples(empty, "same-subject", 0)
    assert_sentence(caught.value)


def test_splits_can_be_declared(tmp_path: Path) -> None:
    root = tmp_path / "root"
    for seed, name in enumerate(("ann", "bob", "cat")):
        trees.put_image(root / name / "0.jpg", seed)
    declared = tmp_path / "splits.csv"
    trees.put_text(declared, "subject,split", "ann,train", "bob,val", "cat,test")
    dataset = named("subject-folders", splits=str(declared))(root)
    assert [s.subject for s in dataset.samples("val", "same-subject", 0)][:1] == ["bob"]
    for lines, sentence in (
        (("subject,split", "ann,train", "bob,val"), "no split for the subject cat"),
        (("subject,split", "ann,tset"), "did you mean test"),
        (("subject,split", "ann,test", "ann,val"), "lists ann twice"),
        (("subject,part", "ann,test"), "columns subject and split"),
    ):
        trees.put_text(declared, *lines)
        with pytest.raises(UsageError, match=sentence) as caught:
            named("subject-folders", splits=str(declared))(root)
        assert_sentence(caught.value)


def test_unknown_aus_are_nan(tmp_path: Path) -> None:
    """``nan`` and EmotioNet's 999 are unknown values; an image with one is in no stream of frames."""
    root = trees.ganimation(tmp_path / "g")
    set_aus("T_1", 0, math.nan)(root)
    dataset = named("ganimation")(root)
    row = dataset.index.aus[list(dataset.index.paths).index("T_1.jpg")]
    assert np.isnan(row[0])
    assert not np.isnan(row[1:]).any()
    emotionet = named("emotionet")(trees.emotionet(tmp_path / "e"))
    labels = dict(zip(("AU01", "AU02", "AU12", "AU43"), (0, 1, 9, 19), strict=True))
    assert np.isnan(emotionet.index.aus[:, labels["AU43"]]).all()
    assert (emotionet.index.aus[:, labels["AU12"]] == 1).all()
    assert set(emotionet.index.aus[:, labels["AU01"]]) == {0.0, 1.0}


def test_an_image_without_labels_is_na(tmp_path: Path) -> None:
    root = trees.ganimation(tmp_path / "root", change=lambda aus: aus.pop("T_2"))
    dataset = named("ganimation")(root)
    batch = dataset.load([s for s in dataset.samples("test", "cross-subject", 0) if "T_2" in s.sample_id])
    assert [item.reason for item in batch.unreadable] == ["T_2 has no AU labels"]
