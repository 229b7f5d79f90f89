"""The training streams."""

from __future__ import annotations

import pytest
import torch
from gath_datasets.synthfaces.adapter import SynthFaces
from gath_datasets.synthfaces.streams import prefetch


def test_streams_resume_without_pairs(data: SynthFaces) -> None:
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


def test_prefetch_raises_errors_of_the_producer() -> None:
    def make(step: int) -> int:
        if step == 2:
            raise RuntimeError("no such step")
        return step

    stream = prefetch(make)
    assert [next(stream), next(stream)] == [0, 1]
    with pytest.raises(RuntimeError, match="no such step"):
        next(stream)
    assert list(prefetch(lambda step: step, 1, 4)) == [1, 2, 3]


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
