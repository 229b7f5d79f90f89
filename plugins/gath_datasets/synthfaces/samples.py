"""The samples of an evaluation set, planned without rendering."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from gath_bench.contracts import Sample
from gath_bench.errors import UsageError
from gath_datasets.synthfaces import AU_LABELS, EXPORT_PROTOCOLS
from gath_datasets.synthfaces.rand import Draws, derive
from gath_datasets.synthfaces.splits import SPLIT_SUBJECTS, subject_seeds

#: Each AU is active with this probability, at an intensity from U(0, 1).
ACTIVE = 0.3
#: Coefficients of a sweep.
SWEEP = (0.0, 0.25, 0.5, 0.75, 1.0)
#: Samples per subject (a sweep has one per AU and coefficient), and subjects of a sweep.
PER_SUBJECT = {"same-subject": 2, "cross-subject": 2, "cross-scene": 6}
SWEPT_SUBJECTS = 16
_ID_MARK = {"same-subject": "", "cross-subject": "x", "sweep": "w", "cross-scene": "v"}


@dataclass(frozen=True)
class SynthSample(Sample):
    """One sample; its fields determine the rendered images.

    Attributes:
        subject_seed, scene_seed: seeds of subject and scene.
        source_aus, target_aus: 17 coefficients each.
        swept_au: the AU that varies, under the sweep protocol.
    """

    subject_seed: int
    scene_seed: int
    source_aus: tuple[float, ...]
    target_aus: tuple[float, ...]
    swept_au: str | None = None


def random_aus(seeds: torch.Tensor, *, neutral: float = 0.0) -> torch.Tensor:
    """Random expressions, each AU active with p = 0.3 at U(0, 1); seeds int64 (B,) -> float32 (B, 17).

    Args:
        neutral: share of neutral faces.
    """
    d = Draws(seeds)
    rows = [d.chance(f"{au} active", ACTIVE) * d.uniform(f"{au} intensity") for au in AU_LABELS]
    aus = torch.stack(rows, -1) * (1 - d.chance("neutral", neutral))[:, None]
    return aus.float()


def plan(
    split: str, protocol: str, seed: int = 0, *, subjects: int | None = None, limit: int | None = None
) -> list[SynthSample]:
    """The samples of a split under a protocol, in a fixed order.

    Every subject occurs once before any occurs twice, so that the first N samples have as many subjects as possible. A
    sweep keeps the steps of a subject together.

    Args:
        subjects: number of subjects; by default that of the split (256 in test, 64 in val; 16 under sweep).
        limit: maximum number of samples.

    Raises:
        UsageError: the split or the protocol is unknown, or ``subjects`` is below 1.
    """
    if split not in SPLIT_SUBJECTS:
        raise UsageError(f"synthfaces has no split {split!r}: it has {', '.join(SPLIT_SUBJECTS)}.")
    if protocol not in EXPORT_PROTOCOLS:
        raise UsageError(f"synthfaces has no protocol {protocol!r}: it has {', '.join(EXPORT_PROTOCOLS)}.")
    if subjects is not None and subjects < 1:
        raise UsageError(f"synthfaces needs at least one subject, not {subjects}.")
    count = subjects or (SWEPT_SUBJECTS if protocol == "sweep" else SPLIT_SUBJECTS[split])
    people = subject_seeds(split, seed, torch.arange(count))
    name = f"{split}-s{seed}-{_ID_MARK[protocol]}"
    samples = _plan_sweep(name, people) if protocol == "sweep" else _plan_shots(name, protocol, people)
    return samples[:limit]


def _plan_shots(name: str, protocol: str, people: torch.Tensor) -> list[SynthSample]:
    samples: list[SynthSample] = []
    for k in range(PER_SUBJECT[protocol]):
        shots = derive(people, protocol, k)
        scenes = derive(shots, "scene")
        target = random_aus(derive(shots, "target"))
        source = target if protocol == "cross-scene" else random_aus(derive(shots, "source"), neutral=0.5)
        if protocol == "cross-subject":
            # The expression of a frame of another subject: the (k + 1)-th next.
            target = random_aus(derive(people, "frame", k)).roll(-(k + 1), 0)
        rows = zip(people.tolist(), scenes.tolist(), source.tolist(), target.tolist(), strict=True)
        for i, (person, scene, source_aus, target_aus) in enumerate(rows):
            samples.append(
                SynthSample(
                    f"{name}{i:05d}-{k:03d}",
                    f"{person:016x}",
                    person,
                    scene,
                    tuple(source_aus),
                    tuple(target_aus),
                )
            )
    return samples


def _plan_sweep(name: str, people: torch.Tensor) -> list[SynthSample]:
    samples: list[SynthSample] = []
    scenes = derive(people, "sweep", "scene").tolist()
    neutral = (0.0,) * len(AU_LABELS)
    for i, (person, scene) in enumerate(zip(people.tolist(), scenes, strict=True)):
        for index, au in enumerate(AU_LABELS):
            for value in SWEEP:
                target_aus = tuple(value if j == index else 0.0 for j in range(len(AU_LABELS)))
                sample_id = f"{name}{i:05d}-{au}-{round(value * 100):03d}"
                samples.append(
                    SynthSample(sample_id, f"{person:016x}", person, scene, neutral, target_aus, au)
                )
    return samples
