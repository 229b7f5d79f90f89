"""The configuration tiny-warp: a short training from nothing moves a face towards the true target."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from gath.config import read_config
from gath.inference.model import WarpModel
from gath.training import losses
from gath.training.loop import train
from gath.training.run import TrainingRun
from gath_datasets.synthfaces.adapter import SynthFaces

from gath_bench.cli.context import Context

#: Largest error in the changed region, as a share of copy-source's; 0.61 was measured.
BAR = 0.75
#: Position of AU26 (jaw drop), and the least mean change of the image that it causes, in steps of 8 bits.
JAW, MOVED = 15, 1.0


@pytest.mark.slow
def test_tiny_warp_moves_faces_towards_the_target(tmp_path: Path) -> None:
    assert train(TrainingRun(read_config("tiny-warp"), Context(), tmp_path))
    model, people = WarpModel(weights=tmp_path / "gath-warp.safetensors").to("cpu"), SynthFaces(resolution=64)
    batch = people.load(people.samples("val", "same-subject", 0)[:64])
    assert batch.target is not None
    region = losses.changed_region(batch.source, batch.target)
    error, copied = (
        losses.region_error(image, batch.target, region)
        for image in (model.animate(batch.source, batch.target_aus), batch.source)
    )
    assert error < BAR * copied
    neutral = torch.zeros(64, 17)
    jaw = neutral.clone()
    jaw[:, JAW] = 1
    moved = (model.animate(batch.source, jaw) - model.animate(batch.source, neutral)).abs().mean()
    assert moved > MOVED / 255
