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
