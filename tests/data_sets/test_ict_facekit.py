"""ICT-FaceKit: exact targets, the mapping of AUs to shapes, and damaged or mixed files."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from data_sets.conformance import assert_sentence
from data_sets.mesh_trees import SIDE, ict_facekit, order
from gath_datasets.meshes import ict_facekit as module
from gath_datasets.meshes.face_model import EXPRESSIONS, LANDMARKS, FaceModel, files_of

from gath_bench.au import get_space
from gath_bench.errors import UsageError
from gath_bench.faces import SYNTHFACES, named_points

ICT = partial(module.ICTFaceKit, size=32, subjects=12)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ict_facekit(tmp_path_factory.mktemp("ict") / "root")


@pytest.fixture(scope="module")
def dataset(tree: Path) -> module.ICTFaceKit:
    return ICT(root=tree)


@contextmanager
def expression(dataset: module.ICTFaceKit, image: int, **aus: float) -> Iterator[None]:
    """Inside it, an image of the index has these AUs and no others."""
    table = dataset.index.aus
    assert table is not None
    kept = table[image].copy()
    table[image] = [aus.get(label, 0.0) for label in get_space(dataset.au_space).labels]
    try:
        yield
    finally:
        table[image] = kept


def test_every_arkit_label_but_neutral_is_a_shape_and_every_shape_is_used() -> None:
    labels = get_space("arkit52").labels
    assert [label for label in labels if not files_of(label)] == ["_neutral"]
    assert sorted(name for label in labels for name in files_of(label)) == sorted(EXPRESSIONS)
    assert len(EXPRESSIONS) == 53
    assert len(set(LANDMARKS)) == 68


def test_shapes_are_driven_by_the_map_of_the_au_space(tree: Path, dataset: module.ICTFaceKit) -> None:
    """One AU at a time: the coefficients of its ARKit blendshapes, of both sides."""
    with expression(dataset, 0):
        assert dataset.blendshapes(0) == {}
    for label, expected in (
        ("AU12", {"mouthSmileLeft": 0.5, "mouthSmileRight": 0.5}),
        ("AU01", {"browInnerUp": 0.5}),
        ("AU26", {"jawOpen": 0.5, "mouthClose": 0.5}),
    ):
        with expression(dataset, 0, **{label: 0.5}):
            assert dataset.blendshapes(0) == expected
    with pytest.raises(UsageError, match="no map from AU space disfa12 to arkit52"):
        ICT(root=tree, au_space="disfa12")


def test_in_arkit52_all_aus_but_neutral_are_known(tree: Path) -> None:
    arkit = ICT(root=tree, au_space="arkit52")
    aus, labels = arkit.index.aus, get_space("arkit52").labels
    assert aus is not None
    assert np.isnan(aus).any(0).tolist() == [label == "_neutral" for label in labels]
    closed, opened = aus[:, labels.index("mouthClose")], aus[:, labels.index("jawOpen")]
    assert (closed <= opened).all()
    active = (aus[:, 1:] > 0).sum(1)
    assert 3 < active[np.arange(len(aus)) % module.EXPRESSIONS > 0].mean() < 7


def test_the_target_is_the_source_where_the_aus_are_equal(dataset: module.ICTFaceKit) -> None:
    """Subject, pose, light and background are those of the source portrait; only the expression differs."""
    first, second = 10, 11
    assert dataset.index.reference is not None
    assert dataset.index.reference[second] == first
    assert not torch.equal(dataset.read(first), dataset.read(second))
    with expression(dataset, first, AU12=0.5), expression(dataset, second, AU12=0.5):
        assert torch.equal(dataset.read(first), dataset.read(second))
    assert torch.equal(dataset.read(second), ICT(root=dataset.root).read(second))


def test_neutral_faces_are_framed_as_the_template(dataset: module.ICTFaceKit) -> None:
    with expression(dataset, 0):
        found = named_points(dataset.landmarks(0))
    for name, place in SYNTHFACES.at(32).items():
        assert found[name] == pytest.approx(place, abs=1.0)
    assert dataset.info.template == SYNTHFACES
    assert dataset.info.domain == "mesh"


def test_a_shape_moves_vertices_by_its_displacement(tree: Path) -> None:
    model = FaceModel.read(tree, module.ICTFaceKit.published)
    face = model.identity(np.array([1.0, 0.0, -2.0]))
    np.testing.assert_allclose(face, model.neutral + model.identities[0] - 2 * model.identities[2], atol=1e-5)
    moved = model.express(face, {"browInnerUp": 0.5, "jawOpen": 1.0})
    expected = 0.5 * (model.expressions["browInnerUp_L"] + model.expressions["browInnerUp_R"])
    np.testing.assert_allclose(moved - face, expected + model.expressions["jawOpen"], atol=1e-6)


def damaged(tree: Path, folder: Path, name: str, change: Callable[[str], str | None]) -> Path:
    """A copy of the tree in which one file is changed, or removed."""
    copy = folder / "copy"
    shutil.copytree(tree, copy)
    file = copy / "FaceXModel" / name
    text = change(file.read_text())
    file.unlink() if text is None else file.write_text(text)
    return copy


def shuffled(text: str) -> str:
    """The same vertices in another order, as in older releases."""
    rows = [line for line in text.splitlines() if line.startswith("v ")]
    return "\n".join(rows[::-1])


@pytest.mark.parametrize(
    ("name", "change", "sentence"),
    [
        ("generic_neutral_mesh.obj", lambda _: None, r"no file FaceXModel/generic_neutral_mesh\.obj"),
        ("jawOpen.obj", lambda _: None, r"no file FaceXModel/jawOpen\.obj"),
        (
            "jawOpen.obj",
            lambda text: "\n".join(text.splitlines()[:900]),
            "has 899 vertices, and generic_neutral",
        ),
        (
            "jawOpen.obj",
            lambda text: text.split("vt")[0].rsplit(" ", 1)[0],
            "has no vertices of three numbers each",
        ),
        ("jawOpen.obj", lambda text: text.replace("v ", "v x", 1), "has no vertices of three numbers each"),
        (
            "jawOpen.obj",
            lambda text: text.replace("v ", "v nan ", 1),
            "has no vertices of three numbers each",
        ),
        ("jawOpen.obj", lambda _: "", "has no vertices of three numbers each"),
        ("jawOpen.obj", shuffled, "in another order than generic_neutral_mesh.obj"),
        ("identity001.obj", shuffled, "in another order than generic_neutral_mesh.obj"),
        ("generic_neutral_mesh.obj", lambda text: text.split("f ")[0], "has no polygons"),
        ("generic_neutral_mesh.obj", lambda text: text.replace("f ", "f 999999/1 ", 1), "has no polygons"),
        (
            "generic_neutral_mesh.obj",
            lambda text: shuffled(text) + "\n" + text[text.index("f ") :],
            "another order than the published landmarks",
        ),
        (
            "generic_neutral_mesh.obj",
            lambda text: "\n".join(text.splitlines()[:-9]),
            "polygons; the narrow face area",
        ),
    ],
)
def test_damaged_and_mixed_files_are_refused(
    tree: Path, tmp_path: Path, name: str, change: Callable[[str], str | None], sentence: str
) -> None:
    with pytest.raises(UsageError, match=sentence) as caught:
        ICT(root=damaged(tree, tmp_path, name, change))
    assert_sentence(caught.value)


def test_wrong_roots_and_parameters_are_refused(tree: Path, tmp_path: Path) -> None:
    for root in (tmp_path, tmp_path / "none"):
        with pytest.raises(UsageError, match=r"is not a ict-facekit folder .* expected are") as caught:
            ICT(root=root)
        assert_sentence(caught.value)
    with pytest.raises(UsageError, match="subjects=0"):
        ICT(root=tree, subjects=0)
    assert ICT(root=tree / "FaceXModel").fingerprint == ICT(root=tree).fingerprint
    assert sorted(order()) == list(range(SIDE * SIDE))
