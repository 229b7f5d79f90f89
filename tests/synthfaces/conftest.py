"""A batch of subjects, scenes and expressions for the tests of the renderer."""

from __future__ import annotations

import pytest
import torch
from gath_datasets.synthfaces.adapter import SynthFaces
from gath_datasets.synthfaces.rand import derive
from gath_datasets.synthfaces.samples import random_aus
from gath_datasets.synthfaces.scene import Scenes, draw_scenes
from gath_datasets.synthfaces.splits import subject_seeds
from gath_datasets.synthfaces.subject import Subjects, draw_subjects

COUNT = 12


@pytest.fixture(scope="session")
def batch() -> tuple[Subjects, Scenes, torch.Tensor]:
    """12 subjects and scenes with their AUs (12, 17)."""
    people = draw_subjects(subject_seeds("val", 8, torch.arange(COUNT)))
    return people, draw_scenes(derive(people.seeds, "scene")), random_aus(people.seeds)


@pytest.fixture(scope="session")
def data() -> SynthFaces:
    return SynthFaces(resolution=64)
