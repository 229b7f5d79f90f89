"""Scenes."""

from __future__ import annotations

import torch
from gath_datasets.synthfaces.scene import MAX_YAW, draw_scenes
from gath_datasets.synthfaces.splits import subject_seeds
from gath_datasets.synthfaces.subject import draw_subjects


def test_scenes_stay_within_their_pose_and_are_independent_of_subjects() -> None:
    seeds = subject_seeds("val", 6, torch.arange(2000))
    scenes, people = draw_scenes(seeds), draw_subjects(seeds)
    assert scenes["yaw"].abs().max() <= MAX_YAW
    together = torch.corrcoef(
        torch.stack([scenes["yaw"], scenes["light_contrast"], people["melanin"], people["age"]])
    )
    assert together[:2, 2:].abs().max() < 0.08
    assert len(scenes["background"].unique()) == 5
    assert (scenes["noise"] == 0).all()
    assert (draw_scenes(seeds, randomise=1.0)["noise"] > 0).any()
