"""Pools and streams, and that there are no pairs."""

from __future__ import annotations

from itertools import count, islice
from pathlib import Path
from typing import Any

import pytest
import torch
from gath import data
from gath.config import read_config
from gath.data import Endless, Streams, fill
from gath.networks.build import build_classifier, build_estimator
from gath.stages.adversarial import AdversarialStage
from gath.stages.stage import Workshop
from toy_faces import ToyFaces

from gath_bench.distributed import Ranks
from gath_bench.errors import UsageError


def _streams(seed: int = 0) -> Streams:
    return Streams(ToyFaces(), "toy-faces", au_space="openface17", resolution=64, seed=seed)


def _quiet(*_: Any) -> None:
    pass


def test_a_pool_is_the_beginning_of_its_stream(tmp_path: Path) -> None:
    pool = fill(_streams(), "frames", 20, tmp_path, _quiet)
    images, labels = next(iter(_streams().follow("frames", 20)))
    assert torch.equal(pool.labels, labels)
    assert (pool.pick(torch.arange(20)).images - images).abs().max() <= 0.5 / 255 + 1e-6


def test_a_pool_is_drawn_once_and_kept(tmp_path: Path) -> None:
    drawn: list[int] = []
    first = fill(_streams(), "stills", 20, tmp_path, lambda *said: drawn.append(said[1]))
    assert drawn[-1] == 20
    (place,) = tmp_path.iterdir()
    again = fill(_streams(), "stills", 20, tmp_path, lambda *said: pytest.fail("drawn again"))
    assert torch.equal(first.images, again.images)
    assert torch.equal(first.labels, again.labels)
    place.write_bytes(place.read_bytes()[:100])
    assert torch.equal(fill(_streams(), "stills", 20, tmp_path, _quiet).images, first.images)
    fill(_streams(seed=1), "stills", 20, tmp_path, _quiet)
    assert len(list(tmp_path.iterdir())) == 2, "another seed is another pool"


def test_drawing_that_was_stopped_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data, "_CHUNK", 8)
    whole = fill(_streams(), "frames", 44, tmp_path / "straight", _quiet)

    def stop(stream: str, done: int, total: int) -> None:
        if done == 24:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        fill(_streams(), "frames", 44, tmp_path / "stopped", stop)
    first: list[int] = []
    resumed = fill(_streams(), "frames", 44, tmp_path / "stopped", lambda *said: first.append(said[1]))
    assert first[0] == 24
    assert torch.equal(resumed.images, whole.images)
    assert torch.equal(resumed.labels, whole.labels)
    assert len(list((tmp_path / "stopped").iterdir())) == 1


def test_an_endless_stream_goes_on_anywhere_and_is_shared_out_over_ranks() -> None:
    rng = torch.Generator()
    straight = Endless(_streams(), "frames", "cpu")
    batches = [straight.batch(step, 4, rng) for step in range(4)]
    resumed = Endless(_streams(), "frames", "cpu").batch(3, 4, rng)
    assert torch.equal(resumed.images, batches[3].images)
    halves = [Endless(_streams(), "frames", "cpu", rank, 2).batch(1, 2, rng).labels for rank in range(2)]
    assert torch.equal(torch.cat(halves), batches[1].labels)


def test_unfit_data_sets_are_refused_in_a_sentence() -> None:
    with pytest.raises(UsageError, match="no streams to train on"):
        Streams(object(), "portraits", au_space="openface17", resolution=64, seed=0)
    with pytest.raises(UsageError, match="labelled in openface17, but au_space is 'facewarehouse46'"):
        Streams(ToyFaces(), "toy-faces", au_space="facewarehouse46", resolution=64, seed=0)


def test_no_batch_holds_two_images_of_one_subject_across_the_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is drawn for either stream of synthfaces, and for the evaluation sets, by subject seed."""
    from gath_datasets.synthfaces import streams as synth
    from gath_datasets.synthfaces.adapter import SynthFaces

    drawn: list[int] = []
    real = synth.draw_subjects

    def watch(seeds: torch.Tensor) -> Any:
        drawn.extend(seeds.tolist())
        return real(seeds)

    monkeypatch.setattr(synth, "draw_subjects", watch)
    monkeypatch.setattr(synth, "render", lambda people, scenes, aus, size, **_: _Blank(len(aus), size))
    # Without the thread that draws ahead, whose last batches would be counted to the next stream.
    monkeypatch.setattr(synth, "ahead", lambda make, start=0: map(make, count(start)))
    adapter = SynthFaces(resolution=64)
    source = Streams(adapter, "synthfaces", au_space="openface17", resolution=64, seed=0)
    seen = {}
    for name in ("stills", "frames"):
        drawn.clear()
        list(islice(source.follow(name, 256), 8))  # type: ignore[arg-type]
        seen[name] = set(drawn)
        assert len(seen[name]) > 100
    graded = {s.subject_seed for split in ("test", "val") for s in adapter.samples(split, "same-subject", 0)}
    assert not seen["stills"] & seen["frames"]
    assert not graded & (seen["stills"] | seen["frames"])


class _Blank:
    def __init__(self, count: int, size: int) -> None:
        self.image = torch.zeros(count, 3, size, size)


def test_a_training_step_is_handed_no_target_image(tmp_path: Path) -> None:
    """G's step asks for stills (identities, no AUs) and frames (AUs, no identities), and for nothing else."""
    config = read_config("tiny", ["data.name=toy-faces"])
    asked: list[str] = []

    def spied(name: str) -> Any:
        pool = fill(_streams(), name, 16, tmp_path, _quiet)  # type: ignore[arg-type]

        class Spy:
            def batch(self, step: int, size: int, rng: torch.Generator) -> Any:
                asked.append(name)
                batch = pool.batch(step, size, rng)
                kind = torch.int64 if name == "stills" else torch.float32
                assert batch.labels.dtype == kind
                return batch

        return Spy()

    shop = Workshop(config, "cpu", Ranks(), lambda: spied("stills"), lambda: spied("frames"))
    stage = AdversarialStage(shop, build_estimator(config), build_classifier(config, 8))
    assert torch.isfinite(stage.step(0)["loss"])
    assert sorted(asked) == ["frames", "stills"]
