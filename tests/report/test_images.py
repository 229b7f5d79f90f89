"""Images in a run folder: the stored images are those that were scored, up to a limit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from toy.running import measure, toy_suite

from gath_bench.engine import image_writer
from gath_bench.results import load
from gath_bench.results.images import IMAGES, ImageStore, input_names


def test_a_strip_gives_back_its_images(tmp_path: Path) -> None:
    store = ImageStore(tmp_path / IMAGES)
    images = np.random.default_rng(0).integers(0, 256, (3, 5, 7, 3)).astype(np.uint8)
    names = ["a", "<b>", "ü/☃"]
    store.write("cell", 4, names, images)
    assert store.samples("cell") == names
    found = store.read("cell", {"<b>", "ü/☃", "elsewhere"})
    assert set(found) == {"<b>", "ü/☃"}
    for name, image in found.items():
        assert np.array_equal(image, images[names.index(name)])
    assert store.samples("cel") == store.samples("other") == []
    (tmp_path / IMAGES / "cell.000004.png").write_bytes(b"no picture")
    assert store.samples("cell") == []
    with pytest.raises(ValueError, match="3 images for 2 samples"):
        store.write("cell", 0, ["a", "b"], images)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("kept") / "run"
    measure(toy_suite(("toy-gaps",), ("toy-l1",), dataset="toy[n=10,unreadable=7]"), path)
    return path


def test_a_run_keeps_what_was_graded(folder: Path) -> None:
    run = load(folder)
    store = ImageStore(folder / IMAGES)
    cells = {cell.model: cell for cell in run.manifest.cells}
    everyone = {f"test-{number:03d}" for number in range(10)}
    source, target = (store.read(name, everyone) for name in input_names(cells["toy-copy"]))
    oracle, copy, gaps = (
        store.read(cells[model].cell_id, everyone) for model in ("toy-exact", "toy-copy", "toy-gaps")
    )
    assert set(source) == set(target) == set(oracle) == set(copy) == everyone - {"test-007"}
    assert set(gaps) == set(copy) - {"test-005"}  # no face found there
    for sample in source:
        assert np.array_equal(source[sample], copy[sample])
        assert np.array_equal(target[sample], oracle[sample])
    measured = {
        row["sample_id"]: row["value"]
        for row in run.observations.to_pylist()
        if row["cell"] == cells["toy-copy"].cell_id and row["status"] == "ok"
    }
    for sample, value in measured.items():
        distance = np.abs(copy[sample].astype(float) - target[sample].astype(float)).mean() / 255
        assert distance == pytest.approx(value, abs=1e-6)


def test_only_the_first_images_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gath_bench.engine.run.KEPT_PIXELS", 6 * 32 * 32)
    _, run = measure(toy_suite(dataset="toy[n=10]"), tmp_path / "run")
    store = ImageStore(tmp_path / "run" / IMAGES)
    names = [name for cell in run.manifest.cells for name in (cell.cell_id, *input_names(cell))]
    assert {tuple(store.samples(name)) for name in names} == {tuple(f"test-{n:03d}" for n in range(6))}
    assert image_writer.KEPT_PIXELS >= 512 * 128 * 128


def test_no_images_if_none_are_wanted(tmp_path: Path) -> None:
    measure(toy_suite(dataset="toy[n=5]"), tmp_path / "run", images=False)
    assert not (tmp_path / "run" / IMAGES).exists()


def test_resuming_keeps_the_rest(tmp_path: Path) -> None:
    suite = toy_suite(dataset="toy[n=10]")
    measure(suite, tmp_path / "run")
    before = {path.name: path.read_bytes() for path in (tmp_path / "run" / IMAGES).iterdir()}
    for path in (tmp_path / "run" / "samples").glob("*toy-copy*"):
        path.unlink()
    for path in (tmp_path / "run" / IMAGES).glob("*toy-copy*.000001.png"):
        path.unlink()
    measure(suite, tmp_path / "run", resume=True)
    assert {path.name: path.read_bytes() for path in (tmp_path / "run" / IMAGES).iterdir()} == before
