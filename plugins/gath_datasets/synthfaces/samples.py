"""What an evaluation set holds: a plain list of samples, planned without drawing a pixel."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from gath_bench.contracts import Sample
from gath_bench.errors import UsageError
from gath_datasets.synthfaces import AU_LABELS
from gath_datasets.synthfaces.rand import Draws, derive
from gath_datasets.synthfaces.splits import SPLIT_SUBJECTS, subject_seeds

PROTOCOLS = ("same-subject", "cross-subject", "sweep")
#: Served by ``export`` only: several unlike scenes and random AUs for each subject, for verification.
EXPORT_PROTOCOLS = (*PROTOCOLS, "cross-scene")
#: Each AU is active with this probability, at an intensity from U(0, 1).
ACTIVE = 0.3
#: Intensities of a sweep.
SWEEP = (0.0, 0.25, 0.5, 0.75, 1.0)
#: Samples of each subject (a sweep has one for each AU and intensity) and subjects swept.
PER_SUBJECT = {"same-subject": 2, "cross-subject": 2, "cross-scene": 6}
SWEPT_SUBJECTS = 16
_MARK = {"same-subject": "", "cross-subject": "x", "sweep": "w", "cross-scene": "v"}


@dataclass(frozen=True)
class SynthSample(Sample):
    """One sample, complete: nothing else is needed to draw it.

    Attributes:
        subject_seed, scene_seed: who and where.
        source_aus, target_aus: 17 coefficients each.
        swept_au: under the sweep protocol, the one AU that moves.
    """

    subject_seed: int
    scene_seed: int
    source_aus: tuple[float, ...]
    target_aus: tuple[float, ...]
    swept_au: str | None = None


def random_aus(seeds: torch.Tensor, *, neutral: float = 0.0) -> torch.Tensor:
    """Random expressions, each AU active with p = 0.3 at U(0, 1); seeds int64 (B,) -> float32 (B, 17).

    Args:
        neutral: the share of faces that stay neutral.
    """
    d = Draws(seeds)
    rows = [d.chance(f"{au} active", ACTIVE) * d.uniform(f"{au} intensity") for au in AU_LABELS]
    aus = torch.stack(rows, -1) * (1 - d.chance("neutral", neutral))[:, None]
    return aus.float()


def plan(
    split: str, protocol: str, seed: int = 0, *, subjects: int | None = None, limit: int | None = None
) -> list[SynthSample]:
    """The samples of a split under a protocol, in a fixed order.

    All subjects come once before any comes twice, so that the first N samples have as many subjects as they can;
    a sweep keeps each subject's steps together.

    Args:
        subjects: how many subjects, by default the split's (256 in test, 64 in val; 16 under sweep).
        limit: at most this many samples.

    Raises:
        UsageError: the split or the protocol is not served.
    """
    if split not in SPLIT_SUBJECTS:
        raise UsageError(f"synthfaces has no split {split!r}: it has {', '.join(SPLIT_SUBJECTS)}.")
    if protocol not in EXPORT_PROTOCOLS:
        raise UsageError(f"synthfaces has no protocol {protocol!r}: it has {', '.join(EXPORT_PROTOCOLS)}.")
    if subjects is not None and subjects < 1:
        raise UsageError(f"synthfaces needs at least one subject, not {subjects}.")
    count = subjects or (SWEPT_SUBJECTS if protocol == "sweep" else SPLIT_SUBJECTS[split])
    people = subject_seeds(split, seed, torch.arange(count))
    name = f"{split}-s{seed}-{_MARK[protocol]}"
    made = _sweep(name, people) if protocol == "sweep" else _draw(name, protocol, people)
    return made[:limit]


def _draw(name: str, protocol: str, people: torch.Tensor) -> list[SynthSample]:
    made: list[SynthSample] = []
    for k in range(PER_SUBJECT[protocol]):
        shots = derive(people, protocol, k)
        scenes = derive(shots, "scene")
        target = random_aus(derive(shots, "target"))
        source = target if protocol == "cross-scene" else random_aus(derive(shots, "source"), neutral=0.5)
        if protocol == "cross-subject":
            # The expression of a frame of the next subject but k.
            target = random_aus(derive(people, "frame", k)).roll(-(k + 1), 0)
        rows = zip(people.tolist(), scenes.tolist(), source.tolist(), target.tolist(), strict=True)
        for i, (person, scene, was, wanted) in enumerate(rows):
            made.append(
                SynthSample(
                    f"{name}{i:05d}-{k:03d}", f"{person:016x}", person, scene, tuple(was), tuple(wanted)
                )
            )
    return made


def _sweep(name: str, people: torch.Tensor) -> list[SynthSample]:
    made: list[SynthSample] = []
    scenes = derive(people, "sweep", "scene").tolist()
    still = (0.0,) * len(AU_LABELS)
    for i, (person, scene) in enumerate(zip(people.tolist(), scenes, strict=True)):
        for index, au in enumerate(AU_LABELS):
            for value in SWEEP:
                wanted = tuple(value if j == index else 0.0 for j in range(len(AU_LABELS)))
                sample_id = f"{name}{i:05d}-{au}-{round(value * 100):03d}"
                made.append(SynthSample(sample_id, f"{person:016x}", person, scene, still, wanted, au))
    return made
