"""Dense flow between expressions."""

from __future__ import annotations

import pytest
import torch
from gath_datasets.synthfaces import AU_LABELS
from gath_datasets.synthfaces.flow import flow, warp
from gath_datasets.synthfaces.render import Rendered, render
from gath_datasets.synthfaces.scene import Scenes
from gath_datasets.synthfaces.subject import Subjects


@pytest.fixture(scope="module")
def drawn(batch: tuple[Subjects, Scenes, torch.Tensor]) -> Rendered:
    return render(*batch, 96)


def test_flow_is_zero_where_nothing_moves(batch: tuple[Subjects, Scenes, torch.Tensor]) -> None:
    people, scenes, aus = batch
    assert flow(people, scenes, aus, aus, 96).abs().max() < 0.02


def test_flow_brings_the_source_closer_to_the_target(
    batch: tuple[Subjects, Scenes, torch.Tensor], drawn: Rendered
) -> None:
    people, scenes, aus = batch
    still = torch.zeros_like(aus)
    # Blinks hide what was seen; no warp can bring it back.
    aus = aus.clone()
    aus[:, AU_LABELS.index("AU45")] = 0
    source, target = render(people, scenes, still, 96), render(people, scenes, aus, 96)
    motion = flow(people, scenes, still, aus, 96)
    face = target.face_mask
    before = ((source.image - target.image).abs() * face).sum((1, 2, 3))
    after = ((warp(source.image, motion) - target.image).abs() * face).sum((1, 2, 3))
    assert after.sum() < 0.85 * before.sum()
