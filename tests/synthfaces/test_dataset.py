"""Plans, adapter, streams, export and commands."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from gath_datasets.synthfaces import AU_LABELS
from gath_datasets.synthfaces.adapter import SynthFaces
from gath_datasets.synthfaces.commands import synthfaces
from gath_datasets.synthfaces.samples import ACTIVE, plan, random_aus
from gath_datasets.synthfaces.splits import population_of
from gath_datasets.synthfaces.streams import ahead
from PIL import Image

from gath_bench.contracts import ClipStream, DatasetAdapter, HasMeanPortrait, TrainingStreams
from gath_bench.errors import UsageError


@pytest.fixture(scope="module")
def data() -> SynthFaces:
    return SynthFaces(resolution=64)


def test_it_is_what_the_contracts_ask_for(data: SynthFaces) -> None:
    assert isinstance(data, DatasetAdapter)
    assert isinstance(data, HasMeanPortrait)
    assert isinstance(data, TrainingStreams)
    assert isinstance(data, ClipStream)
    assert len(data.fingerprint) == 64


def test_importing_the_package_does_not_import_torch() -> None:
    code = "import sys, gath_datasets.synthfaces, gath_datasets.synthfaces.commands; print('torch' in sys.modules)"
    paths = ":".join(sys.path)
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONPATH": paths}
    )
    assert out.stdout.strip() == "False"


def test_the_test_split_is_large_and_its_ids_unique() -> None:
    for protocol in ("same-subject", "cross-subject", "cross-scene"):
        samples = plan("test", protocol)
        assert len({s.subject for s in samples}) >= 200
        assert len({s.sample_id for s in samples}) == len(samples)
        assert {population_of(s.subject_seed) for s in samples} == {"test"}
    assert plan("test", "same-subject")[3].sample_id == "test-s0-00003-000"
    assert {s.subject for s in plan("test", "same-subject", 1)}.isdisjoint(
        s.subject for s in plan("test", "same-subject", 0)
    )


def test_aus_are_active_as_stated() -> None:
    aus = random_aus(torch.arange(4000))
    active = aus > 0
    assert abs(active.float().mean() - ACTIVE) < 0.01
    assert abs(aus[active].mean() - 0.5) < 0.01
    assert (random_aus(torch.arange(400), neutral=1.0) == 0).all()


def test_a_sweep_moves_one_au_at_a_time() -> None:
    samples = plan("val", "sweep", subjects=2)
    assert len(samples) == 2 * 17 * 5
    for s in samples:
        moved = [au for au, value in zip(AU_LABELS, s.target_aus, strict=True) if value > 0]
        assert moved in ([], [s.swept_au])
        assert not any(s.source_aus)


def test_cross_subject_targets_come_from_another(data: SynthFaces) -> None:
    rows = plan("test", "cross-subject")
    people = 256
    assert rows[0].target_aus != rows[1].target_aus
    assert len({s.target_aus for s in rows[:people]}) > 250


@pytest.mark.parametrize(("split", "protocol"), [("train", "same-subject"), ("test", "same")])
def test_unknown_splits_and_protocols_are_one_sentence(split: str, protocol: str) -> None:
    with pytest.raises(UsageError, match="synthfaces has no"):
        plan(split, protocol)


def test_any_batch_loads_the_same_pixels(data: SynthFaces) -> None:
    samples = data.samples("test", "same-subject", 0)[:5]
    batch, last = data.load(samples), data.load(samples[4:5])
    assert torch.equal(batch.source[4], last.source[0])
    assert batch.target is not None
    assert last.target is not None
    assert torch.equal(batch.target[4], last.target[0])
    eight = batch.source * 255
    assert torch.allclose(eight, eight.round(), atol=1e-4)
    assert batch.target_aus.shape == (5, 17)


def test_mean_portrait(data: SynthFaces) -> None:
    mean = data.mean_portrait()
    assert mean.shape == (3, 64, 64)
    assert 0.1 < mean.mean() < 0.9


def test_streams_resume_and_hold_no_pairs(data: SynthFaces) -> None:
    stream = data.stills(batch_size=3, seed=4)
    _, second = next(stream), next(stream)
    stream.close()  # type: ignore[attr-defined]
    resumed = data.stills(batch_size=3, seed=4, start=1)
    again = next(resumed)
    resumed.close()  # type: ignore[attr-defined]
    assert torch.equal(second.images, again.images)
    assert torch.equal(second.identity, again.identity)
    assert int(second.identity.max()) < data.identities()
    frames = data.frames(batch_size=3, seed=4)
    batch = next(frames)
    frames.close()  # type: ignore[attr-defined]
    assert batch.aus.shape == (3, 17)
    assert not batch.images.is_inference()


def test_prefetching_passes_errors_on() -> None:
    def make(step: int) -> int:
        if step == 2:
            raise RuntimeError("no such step")
        return step

    stream = ahead(make)
    assert [next(stream), next(stream)] == [0, 1]
    with pytest.raises(RuntimeError, match="no such step"):
        next(stream)
    assert list(ahead(lambda step: step, 1, 4)) == [1, 2, 3]


def test_export_equals_what_is_loaded(tmp_path: Path, data: SynthFaces) -> None:
    folder = tmp_path / "faces"
    made = CliRunner().invoke(synthfaces, ["export", str(folder), "--subjects", "2", "--size", "64"])
    assert made.exit_code == 0, made.output
    rows = list(csv.DictReader((folder / "samples.csv").open(encoding="utf-8")))
    assert list(rows[0]) == ["sample_id", "subject", "source_image", "target_image", *AU_LABELS]
    batch = data.load(plan("test", "same-subject", 0, subjects=2))
    for i, row in enumerate(rows):
        for name, images in (("source_image", batch.source), ("target_image", batch.target)):
            assert images is not None
            pixels = np.asarray(Image.open(folder / row[name]))
            assert (torch.from_numpy(pixels.copy()).permute(2, 0, 1) == (images[i] * 255).round()).all()
    again = CliRunner().invoke(synthfaces, ["export", str(folder), "--subjects", "2", "--size", "64"])
    assert again.exit_code == 2
    assert "not empty" in again.output


def test_show_draws_a_sheet(tmp_path: Path) -> None:
    path = tmp_path / "sheet.png"
    made = CliRunner().invoke(
        synthfaces, ["show", "-o", str(path), "--rows", "1", "--columns", "3", "--size", "64"]
    )
    assert made.exit_code == 0, made.output
    assert Image.open(path).size == (192, 64)
    wrong = CliRunner().invoke(
        synthfaces, ["show", "-o", str(tmp_path / "sheet.xyz"), "--rows", "1", "--columns", "1"]
    )
    assert wrong.exit_code == 2


@pytest.mark.parametrize("parameters", [{"resolution": 32}, {"randomise": 2.0}, {"identities": 1}])
def test_wrong_parameters_are_one_sentence(parameters: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        SynthFaces(**parameters)  # type: ignore[arg-type]


def test_a_clip_shows_one_person_in_one_scene_with_two_expressions(data: SynthFaces) -> None:
    stream = data.clips(batch_size=16, seed=3)
    first, second = next(stream), next(stream)
    resumed = data.clips(batch_size=16, seed=3, start=1)
    assert torch.equal(next(resumed).target, second.target)
    for iterator in (stream, resumed):
        iterator.close()  # type: ignore[attr-defined]
    # The upper corners show the background, which no AU moves.
    corners = [images[..., :6, :6] for images in (first.source, first.target)]
    assert torch.equal(*corners)
    changed = (first.source_aus != first.target_aus).any(1)
    assert changed.sum() >= 12
    pixels = (first.source - first.target).abs().amax((1, 2, 3))
    assert (pixels[~changed] == 0).all()
    assert (pixels[changed] > 0).float().mean() > 0.8


def test_some_clips_change_a_single_au(data: SynthFaces) -> None:
    stream = data.clips(batch_size=64, seed=0)
    batch = next(stream)
    stream.close()  # type: ignore[attr-defined]
    count = (batch.source_aus != batch.target_aus).sum(1)
    assert 0.1 < (count == 1).float().mean() < 0.45
    assert (count > 2).float().mean() > 0.4
