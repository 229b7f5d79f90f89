"""Training data for face detectors: portraits in a wide framing with their 68 landmarks.

The subjects belong to the population ``evaluators``, which is in no evaluated split and in no training stream. Poses
are larger than those of the evaluated portraits, since a detector has to find faces that are not frontal.
"""

from __future__ import annotations

import dataclasses

import torch

from gath_bench.contracts import LandmarkedBatch
from gath_datasets.synthfaces.rand import Draws, derive
from gath_datasets.synthfaces.render import CLOSE, render
from gath_datasets.synthfaces.samples import random_aus
from gath_datasets.synthfaces.scene import Scenes, draw_scenes
from gath_datasets.synthfaces.splits import INDEX_BITS, subject_seeds
from gath_datasets.synthfaces.subject import draw_subjects

#: The wide framing: head and shoulders.
WIDE = dataclasses.replace(CLOSE, height=CLOSE.height * 1.35)
#: Factors on the drawn pose angles.
YAW_GAIN, PITCH_GAIN = 1.7, 2.0
#: Share of neutral faces.
NEUTRAL_SHARE = 0.2


def landmarked_batch(*, batch_size: int, seed: int, step: int, size: int = 160) -> LandmarkedBatch:
    """One batch of portraits, each of another subject, with strong camera randomisation.

    Args:
        batch_size: number of portraits.
        seed: seed of the stream.
        step: index of the batch in the stream.
        size: side of the images in pixels.
    """
    positions = torch.arange(batch_size, dtype=torch.int64) + step * batch_size
    shots = derive(positions, "landmarked", seed)
    index = (Draws(shots).uniform("subject") * (1 << INDEX_BITS)).long()
    people = draw_subjects(subject_seeds("evaluators", 0, index))
    drawn = draw_scenes(derive(shots, "scene"), randomise=1.0)
    posed = {"yaw": drawn["yaw"] * YAW_GAIN, "pitch": drawn["pitch"] * PITCH_GAIN}
    scenes = Scenes(drawn.seeds, {**drawn.values, **posed})
    aus = random_aus(derive(shots, "aus"), neutral=NEUTRAL_SHARE)
    made = render(people, scenes, aus, size, framing=WIDE)
    return LandmarkedBatch(made.image.clone(), made.landmarks.clone())
