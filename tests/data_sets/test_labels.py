"""Label files of `gath-bench label` for data sets of still images: ``labels=FILE``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from data_sets import trees
from data_sets.conformance import assert_sentence, check_info, check_samples, check_splits, check_stream
from data_sets.test_conformance import named
from gath.training.data import Streams

from gath_bench.au import get_space
from gath_bench.contracts import HasImages
from gath_bench.errors import UsageError
from gath_bench.labels import Label, LabelInfo, LabelWriter

ESTIMATOR = "toy@1#abc"
#: Every so many images has no label: no face was found.
WITHOUT_FACE = 5
SETS: dict[str, tuple[Callable[[Path], Path], dict[str, str], set[str]]] = {
    "subject-folders": (trees.subject_folders, {}, {"stills", "frames"}),
    "celeba": (trees.celeba, {}, {"frames"}),  # three training subjects, by hash all in one stream
    "ffhq": (trees.ffhq, {"crop": "none"}, {"frames"}),
    "affectnet": (trees.affectnet_lists, {}, {"frames"}),
}


def write_labels(dataset: HasImages, path: Path, space: str = "disfa12") -> Path:
    """Labels of every image, with another value for each; every fifth has none."""
    writer = LabelWriter(path, LabelInfo(ESTIMATOR, space))
    samples = dataset.image_samples()
    count = len(get_space(space))
    writer.add(
        [
            Label(
                sample.sample_id,
                dataset.image_content(sample)[:16],
                None if place % WITHOUT_FACE == 0 else (place / len(samples),) * count,
                reason="no face was found" if place % WITHOUT_FACE == 0 else None,
            )
            for place, sample in enumerate(samples)
        ]
    )
    writer.finish(sample.sample_id for sample in samples)
    return path


def labelled(name: str, root: Path, path: Path) -> Any:
    """The data set with a label file of all its images."""
    _, parameters, _ = SETS[name]
    write_labels(named(name, **parameters)(root), path)
    return named(name, **parameters, labels=str(path))


@pytest.mark.parametrize("name", SETS)
def test_labels_are_targets_and_give_a_stream_of_frames(name: str, tmp_path: Path) -> None:
    tree, parameters, streams = SETS[name]
    root = tree(tmp_path / "root")
    plain = named(name, **parameters)(root)
    make = labelled(name, root, tmp_path / "labels.parquet")
    dataset = make(root)
    assert dataset.info.labelled_by == (ESTIMATOR,)
    assert plain.info.labelled_by == ()
    assert dataset.fingerprint != plain.fingerprint
    assert dataset.info.protocols == ("cross-subject", "sweep")
    check_info(dataset)
    for protocol in dataset.info.protocols:
        check_samples(dataset, "test", protocol)
    check_splits(dataset)
    for stream in streams:
        check_stream(make, root, stream)
    for place in dataset.streams.positions("frames"):
        assert place % WITHOUT_FACE


def test_values_are_those_of_the_image_whatever_the_split_and_the_size(tmp_path: Path) -> None:
    root = trees.celeba(tmp_path / "root")
    dataset = labelled("celeba", root, tmp_path / "labels.parquet")(root)
    covered = [label in get_space("disfa12").labels for label in get_space("openface17").labels]
    samples = dataset.samples("test", "cross-subject", 0)
    assert len(samples) == 4
    batch = dataset.load(samples)
    images = [sample.sample_id for sample in dataset.image_samples()]
    for name, aus in zip(batch.sample_id, batch.target_aus, strict=True):
        place = images.index(name.removeprefix("x-"))
        assert aus[covered].tolist() == pytest.approx([place / len(images)] * 12)
        assert aus[[not ok for ok in covered]].isnan().all()
    assert [lost.reason for lost in batch.unreadable] == ["000011 has no AU labels"]


def test_celeba_as_stills_and_a_labelled_set_as_frames_are_training_data(tmp_path: Path) -> None:
    celeba = named("celeba")(trees.celeba(tmp_path / "celeba"))
    root = trees.ffhq(tmp_path / "ffhq")
    frames = labelled("ffhq", root, tmp_path / "labels.parquet")(root)
    settings: dict[str, Any] = {"au_space": "openface17", "resolution": 8, "seed": 0}
    streams = Streams(frames, "ffhq", stills=(celeba, "celeba"), **settings)
    assert streams.identities == celeba.identities()
    batches = streams.batches("stills", 4)
    images, identity = next(batches)
    batches.close()
    assert images.shape == (4, 3, 8, 8)
    assert int(identity.max()) < streams.identities
    batches = streams.batches("frames", 4)
    _, aus = next(batches)
    batches.close()
    assert not streams.without_gaps(aus).isnan().any()
    assert streams.unlabelled == ("AU07", "AU10", "AU14", "AU23", "AU45")
    assert streams.describe()["labelled_by"] == [ESTIMATOR]


def test_a_labelled_set_with_identities_has_both_streams_of_different_people(tmp_path: Path) -> None:
    root = trees.subject_folders(tmp_path / "root")
    plain = named("subject-folders")(root)
    dataset = labelled("subject-folders", root, tmp_path / "labels.parquet")(root)
    assert 0 < dataset.identities() < plain.identities()
    settings: dict[str, Any] = {"au_space": "openface17", "resolution": 8, "seed": 0}
    assert Streams(dataset, "subject-folders", **settings).identities == dataset.identities()
    few = labelled("celeba", trees.celeba(tmp_path / "celeba"), tmp_path / "c.parquet")(tmp_path / "celeba")
    with pytest.raises(UsageError, match=r"too few training subjects: .* none is in stills") as caught:
        few.stills(batch_size=2, seed=0)
    assert_sentence(caught.value)


def test_wrong_label_files_are_one_sentence(tmp_path: Path) -> None:
    root = trees.celeba(tmp_path / "root")
    make = labelled("celeba", root, tmp_path / "labels.parquet")
    other = labelled("ffhq", trees.ffhq(tmp_path / "ffhq"), tmp_path / "ffhq.parquet")
    path = str(tmp_path / "labels.parquet")
    for refused, sentence in (
        (lambda: other(root), "is not a ffhq folder"),
        (
            lambda: named("celeba", labels=str(tmp_path / "ffhq.parquet"))(root),
            "no label of an image of celeba",
        ),
        (lambda: named("celeba", labels=path, aus="6C")(root), "both give target AUs"),
        (lambda: named("celeba", labels=str(tmp_path / "none.parquet"))(root), "there is no label file"),
        (
            lambda: named("celeba", labels=path, au_space="arkit52")(root),
            "there is no map from AU space disfa12",
        ),
    ):
        with pytest.raises(UsageError, match=sentence) as caught:
            refused()
        assert_sentence(caught.value)
    trees.put_image(root / "img_align_celeba" / "000007.jpg", 99)
    with pytest.raises(UsageError, match=r"000007\.jpg has changed since .* was made") as caught:
        make(root)
    assert_sentence(caught.value)
