"""The data set adapter."""

from __future__ import annotations

import pytest
import torch
from gath_datasets.synthfaces.adapter import SynthFaces
from gath_datasets.synthfaces.samples import plan

from gath_bench.contracts import ClipStream, DatasetAdapter, HasMeanPortrait, TrainingStreams
from gath_bench.errors import UsageError


def test_the_adapter_implements_the_contracts(data: SynthFaces) -> None:
    assert isinstance(data, DatasetAdapter)
    assert isinstance(data, HasMeanPortrait)
    assert isinstance(data, TrainingStreams)
    assert isinstance(data, ClipStream)
    assert len(data.fingerprint) == 64


def test_cross_subject_targets_are_those_of_another_subject(data: SynthFaces) -> None:
    rows = plan("test", "cross-subject")
    people = 256
    assert rows[0].target_aus != rows[1].target_aus
    assert len({s.target_aus for s in rows[:people]}) > 250


def test_pixels_do_not_depend_on_the_batch(data: SynthFaces) -> None:
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


@pytest.mark.parametrize("parameters", [{"resolution": 32}, {"randomise": 2.0}, {"identities": 1}])
def test_wrong_parameters_are_refused(parameters: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        SynthFaces(**parameters)  # type: ignore[arg-type]
