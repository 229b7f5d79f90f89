"""Pools and streams, and that stills and frames are never paired."""

from __future__ import annotations

from itertools import combinations, count, islice
from pathlib import Path
from typing import Any

import pytest
import torch
from gath.config import read_config
from gath.networks.build import build_classifier, build_estimator
from gath.training import data
from gath.training.context import TrainContext
from gath.training.data import EndlessSource, FixedData, FramesOfClips, Pool, Streams, fill_pool
from gath.training.stages.adversarial import AdversarialStage
from toy_faces import ToyFaces

from gath_bench.contracts import StillsBatch
from gath_bench.distributed import Ranks
from gath_bench.errors import UsageError


def _streams(seed: int = 0) -> Streams:
    return Streams(ToyFaces(), "toy-faces", au_space="openface17", resolution=64, seed=seed)


def _quiet(*_: Any) -> None:
    pass


def test_a_pool_holds_the_first_images_of_its_stream(tmp_path: Path) -> None:
    pool = fill_pool(_streams(), "frames", 20, tmp_path, _quiet)
    images, labels = next(iter(_streams().batches("frames", 20)))
    assert torch.equal(pool.labels, labels)
    assert (pool.take(torch.arange(20)).images - images).abs().max() <= 0.5 / 255 + 1e-6


def test_a_pool_is_rendered_once_and_kept(tmp_path: Path) -> None:
    drawn: list[int] = []
    first = fill_pool(_streams(), "stills", 20, tmp_path, lambda *said: drawn.append(said[1]))
    assert drawn[-1] == 20
    (place,) = tmp_path.iterdir()
    again = fill_pool(_streams(), "stills", 20, tmp_path, lambda *said: pytest.fail("rendered again"))
    assert torch.equal(first.images, again.images)
    assert torch.equal(first.labels, again.labels)
    place.write_bytes(place.read_bytes()[:100])
    assert torch.equal(fill_pool(_streams(), "stills", 20, tmp_path, _quiet).images, first.images)
    fill_pool(_streams(seed=1), "stills", 20, tmp_path, _quiet)
    assert len(list(tmp_path.iterdir())) == 2, "another seed is another pool"


def test_an_interrupted_pool_is_resumed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "_CHUNK", 8)
    whole = fill_pool(_streams(), "frames", 44, tmp_path / "straight", _quiet)

    def stop(stream: str, done: int, total: int) -> None:
        if done == 24:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        fill_pool(_streams(), "frames", 44, tmp_path / "stopped", stop)
    first: list[int] = []
    resumed = fill_pool(_streams(), "frames", 44, tmp_path / "stopped", lambda *said: first.append(said[1]))
    assert first[0] == 24
    assert torch.equal(resumed.images, whole.images)
    assert torch.equal(resumed.labels, whole.labels)
    assert len(list((tmp_path / "stopped").iterdir())) == 1


def test_an_endless_source_can_start_at_any_step_and_is_split_over_ranks() -> None:
    rng = torch.Generator()
    straight = EndlessSource(_streams(), "frames", "cpu", Ranks())
    batches = [straight.batch(step, 4, rng) for step in range(4)]
    resumed = EndlessSource(_streams(), "frames", "cpu", Ranks()).batch(3, 4, rng)
    assert torch.equal(resumed.images, batches[3].images)
    halves = [
        EndlessSource(_streams(), "frames", "cpu", Ranks(rank, 2)).batch(1, 2, rng).labels
        for rank in range(2)
    ]
    assert torch.equal(torch.cat(halves), batches[1].labels)


def test_unsuitable_data_sets_are_refused_in_a_sentence() -> None:
    with pytest.raises(UsageError, match="no streams to train on"):
        Streams(object(), "portraits", au_space="openface17", resolution=64, seed=0)
    with pytest.raises(UsageError, match="labelled in openface17, but au_space is 'facewarehouse46'"):
        Streams(ToyFaces(), "toy-faces", au_space="facewarehouse46", resolution=64, seed=0)


def test_the_streams_and_the_evaluation_splits_share_no_subject(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compare the subject seeds of all streams of synthfaces and of its evaluated splits."""
    from gath_datasets.synthfaces import streams as synth
    from gath_datasets.synthfaces.adapter import SynthFaces

    drawn: list[int] = []
    real = synth.draw_subjects

    def watch(seeds: torch.Tensor) -> Any:
        drawn.extend(seeds.tolist())
        return real(seeds)

    monkeypatch.setattr(synth, "draw_subjects", watch)
    monkeypatch.setattr(synth, "render", lambda people, scenes, aus, size, **_: _Blank(len(aus), size))
    # Without the thread that renders ahead, whose last batches would be counted for the next stream.
    monkeypatch.setattr(synth, "prefetch", lambda make, start=0: map(make, count(start)))
    adapter = SynthFaces(resolution=64)
    source = Streams(adapter, "synthfaces", au_space="openface17", resolution=64, seed=0)
    seen = {}
    for name in ("stills", "frames", "clips"):
        drawn.clear()
        list(islice(source.batches(name, 256), 8))  # type: ignore[arg-type]
        seen[name] = set(drawn)
        assert len(seen[name]) > 100
    drawn.clear()
    list(islice(adapter.labelled(batch_size=256, seed=0), 8))
    seen["evaluators"] = set(drawn)
    for split in ("test", "val"):
        seen[split] = {s.subject_seed for s in adapter.samples(split, "same-subject", 0)}
    for one, other in combinations(seen, 2):
        assert not seen[one] & seen[other], f"{one} and {other} share a subject"


class _Blank:
    def __init__(self, count: int, size: int) -> None:
        self.image = torch.zeros(count, 3, size, size)


def test_a_training_step_uses_no_target_image(tmp_path: Path) -> None:
    """A step of G uses stills (identities, no AUs) and frames (AUs, no identities), and nothing else."""
    config = read_config("tiny", ["data.name=toy-faces"])
    asked: list[str] = []

    def spied(name: str) -> Any:
        pool = fill_pool(_streams(), name, 16, tmp_path, _quiet)  # type: ignore[arg-type]

        class Spy:
            def batch(self, step: int, size: int, rng: torch.Generator) -> Any:
                asked.append(name)
                batch = pool.batch(step, size, rng)
                kind = torch.int64 if name == "stills" else torch.float32
                assert batch.labels.dtype == kind
                return batch

        return Spy()

    ctx = TrainContext(config, "cpu", Ranks(), FixedData(spied("stills"), spied("frames"), 8))
    stage = AdversarialStage(ctx, build_estimator(config), build_classifier(config, 8))
    assert torch.isfinite(stage.step(0)["g_loss"])
    assert sorted(asked) == ["frames", "stills"]


def test_clips_are_pairs_with_the_aus_of_both_frames(tmp_path: Path) -> None:
    pool = fill_pool(_streams(), "clips", 12, tmp_path, _quiet)
    batch = pool.take(torch.arange(12))
    assert batch.images.shape == (12, 2, 3, 64, 64)
    assert batch.labels.shape == (12, 2, 17)
    clips = next(ToyFaces().clips(batch_size=12, seed=0))
    assert torch.equal(batch.labels[:, 1], clips.target_aus)
    assert (batch.images[:, 0] - clips.source).abs().max() <= 0.5 / 255 + 1e-6


def test_with_clips_the_labelled_frames_are_those_of_the_clips(tmp_path: Path) -> None:
    clips = fill_pool(_streams(), "clips", 12, tmp_path, _quiet)
    frames = FramesOfClips(clips).batch(0, 40, torch.Generator().manual_seed(0))
    known = [(image, aus) for clip in range(12) for image, aus in zip(*_parts(clips, clip), strict=True)]
    for image, aus in zip(frames.images, frames.labels, strict=True):
        assert any(torch.equal(image, i) and torch.equal(aus, a) for i, a in known)
    assert len({tuple(aus.tolist()) for aus in frames.labels}) > 12, "both frames occur"


def _parts(clips: Pool, index: int) -> tuple[torch.Tensor, torch.Tensor]:
    batch = clips.take(torch.tensor([index]))
    return batch.images[0], batch.labels[0]


def test_a_data_set_without_clips_is_refused_in_a_sentence(tmp_path: Path) -> None:
    class Unpaired(ToyFaces):
        clips = None  # type: ignore[assignment]

    streams = Streams(Unpaired(), "unpaired", au_space="openface17", resolution=64, seed=0)
    with pytest.raises(UsageError, match="'unpaired' has no clips"):
        fill_pool(streams, "clips", 12, tmp_path, _quiet)


class Portraits:
    """Stills of one grey and no frames."""

    fingerprint = "portraits"
    info = ToyFaces().info

    def identities(self) -> int:
        return 3

    def stills(self, *, batch_size: int, seed: int, start: int = 0):
        while True:
            yield StillsBatch(torch.full((batch_size, 3, 64, 64), 0.5), torch.zeros(batch_size).long())

    def samples(self, split: str, protocol: str, seed: int):
        return []

    def load(self, samples):
        raise NotImplementedError


def test_stills_and_frames_may_come_from_two_data_sets(tmp_path: Path) -> None:
    settings = {"au_space": "openface17", "resolution": 64, "seed": 0}
    alone = Streams(ToyFaces(), "toy-faces", **settings)
    both = Streams(ToyFaces(), "toy-faces", **settings, stills=(Portraits(), "portraits"))
    images, labels = next(both.batches("stills", 4))
    assert both.identities == 3
    assert (images == 0.5).all()
    assert not labels.any()
    for stream in ("frames", "clips"):
        for mine, theirs in zip(next(both.batches(stream, 4)), next(alone.batches(stream, 4)), strict=True):
            assert torch.equal(mine, theirs)
    assert both.describe()["stills_name"] == "portraits"
    # Pools of one cache: the stills are others, the frames are the same.
    kept = [fill_pool(streams, "stills", 4, tmp_path, lambda *_: None) for streams in (alone, both)]
    assert not torch.equal(kept[0].images, kept[1].images)
    fill_pool(both, "frames", 4, tmp_path, lambda *_: None)
    fill_pool(alone, "frames", 4, tmp_path, lambda *_: None)
    assert len(list(tmp_path.glob("frames-*"))) == 1
    with pytest.raises(UsageError, match="'portraits' has no streams to train on"):
        Streams(Portraits(), "portraits", **settings)
    with pytest.raises(UsageError, match=r"'object' has no stills .*--stills"):
        Streams(ToyFaces(), "toy-faces", **settings, stills=(object(), "object"))


class WithoutBrows(ToyFaces):
    """The labels do not cover the first two AUs."""

    def frames(self, *, batch_size: int, seed: int, start: int = 0):
        for batch in super().frames(batch_size=batch_size, seed=seed, start=start):
            batch.aus[:, :2] = float("nan")
            yield batch


def test_aus_without_labels_are_zero_and_recorded(tmp_path: Path) -> None:
    streams = Streams(WithoutBrows(), "toy", au_space="openface17", resolution=64, seed=0)
    assert "unlabelled" not in streams.describe()
    source = EndlessSource(streams, "frames", "cpu", Ranks())
    labels = source.batch(0, 4, torch.Generator()).labels
    assert (labels[:, :2] == 0).all()
    assert (labels[:, 2:] > 0).any()
    assert streams.describe()["unlabelled"] == ["AU01", "AU02"]
    gaps = torch.rand(4, 17)
    gaps[1, 3] = float("nan")
    with pytest.raises(UsageError, match="have AU labels with gaps"):
        streams.without_gaps(gaps)
    assert streams.without_gaps(torch.arange(4)).tolist() == [0, 1, 2, 3]
