"""Domains in which any person can be rendered with any AUs, each with its evaluators.

They provide what a data set does not: the same person with other AUs, and another person with the same AUs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import pytest
import torch
import torch.nn.functional as F
from metrics.helpers import AUS, shapes
from torch import Tensor

from gath_bench.contracts import Batch, ComponentName, EvaluatorInfo, Features, ModelSpec, Role
from gath_bench.evaluators import EvaluatorPool, FeatureCache
from gath_bench.images import to_8bit
from gath_bench.plugins import load_plugins
from gath_bench.registry import Component, Registry


class World(Protocol):
    """Renders people and has evaluators for the images; ``name`` is the component name of the evaluators."""

    name: str

    def render(self, people: Tensor, aus: Tensor) -> Tensor:
        """People int64 (B,) with AUs (B, 17) -> 8-bit images (B, 3, S, S); one scene per person."""
        ...

    def evaluator(self, role: Role) -> Component: ...


class BarsEstimator:
    """Measures each AU as the brightness of its bar."""

    info = EvaluatorInfo("ba", frozenset({"synthetic"}), "openface17")

    def to(self, device: str) -> BarsEstimator:
        return self

    def __call__(self, images: Tensor) -> Features:
        bars = images[..., images.shape[-1] // 2 :].mean((1, 3))
        return Features(F.avg_pool1d(bars[:, None], bars.shape[1] // AUS)[:, 0])


class TextureEncoder:
    """Embedding: the coarse texture of the left half, relative to its mean."""

    info = EvaluatorInfo("bb", frozenset({"synthetic"}), calibration={"impostor_mean": 0.0, "threshold": 0.8})

    def to(self, device: str) -> TextureEncoder:
        return self

    def __call__(self, images: Tensor) -> Features:
        texture = F.adaptive_avg_pool2d(images[..., : images.shape[-1] // 2], (17, 8)).flatten(1)
        return Features(texture - texture.mean(1, keepdim=True))


class RandomTrunk:
    """Two layers of fixed random filters."""

    info = EvaluatorInfo("bc", frozenset({"synthetic"}))

    def __init__(self) -> None:
        generator = torch.Generator().manual_seed(3)
        self.first = torch.randn(16, 3, 3, 3, generator=generator)
        self.second = torch.randn(16, 16, 3, 3, generator=generator) / 12

    def to(self, device: str) -> RandomTrunk:
        return self

    def __call__(self, images: Tensor) -> Features:
        fine = F.relu(F.conv2d(2 * images - 1, self.first, padding=1))
        return Features((fine, F.relu(F.conv2d(F.avg_pool2d(fine, 2), self.second, padding=1))))


class Toy:
    """A person is the texture of the left half; each AU is the brightness of a bar of the right half."""

    name = "toy"
    judges: Mapping[Role, Any] = {
        "au_estimator": BarsEstimator(),
        "identity_encoder": TextureEncoder(),
        "perceptual_trunk": RandomTrunk(),
    }

    def render(self, people: Tensor, aus: Tensor) -> Tensor:
        side = 4 * AUS
        images = torch.cat([shapes(1, side, seed) for seed in people.tolist()])
        images[..., side // 2 :] = aus.repeat_interleave(4, 1)[:, None, :, None]
        return to_8bit(images)

    def evaluator(self, role: Role) -> Component:
        spec = ModelSpec(self.name, type(self.judges[role]), "a toy")
        return Component(spec, ComponentName(self.name), {}, self.judges[role])


class SynthFaces:
    """synthfaces with the bundled evaluators, on held-out people."""

    name = "synthfaces"

    @cached_property
    def registry(self) -> Registry:
        return Registry.of(load_plugins())

    def render(self, people: Tensor, aus: Tensor) -> Tensor:
        from gath_datasets.synthfaces.rand import derive
        from gath_datasets.synthfaces.render import render
        from gath_datasets.synthfaces.scene import draw_scenes
        from gath_datasets.synthfaces.splits import subject_seeds
        from gath_datasets.synthfaces.subject import draw_subjects

        seeds = subject_seeds("test", 0, people)
        return to_8bit(render(draw_subjects(seeds), draw_scenes(derive(seeds, "laws")), aus, 64).image)

    def evaluator(self, role: Role) -> Component:
        if self.name not in self.registry.entries[role]:
            pytest.skip(f"no {role.replace('_', ' ')} {self.name!r} is registered")
        return self.registry.make(role, self.name)


@dataclass(frozen=True)
class Scenario:
    """People of a domain with source and target images."""

    world: World
    people: Tensor
    batch: Batch

    @classmethod
    def of(cls, world: World, count: int = 12) -> Scenario:
        generator = torch.Generator().manual_seed(1)
        people = torch.arange(count)
        shown = random_aus(count, generator)
        wanted = random_aus(count, generator)
        batch = Batch(
            sample_id=tuple(f"sample-{number}" for number in range(count)),
            subject=tuple(f"subject-{number}" for number in range(count)),
            source=world.render(people, shown),
            target_aus=wanted,
            au_space="openface17",
            source_aus=shown,
            target=world.render(people, wanted),
        )
        return cls(world, people, batch)

    def measure(self, metric: Any, generated: Tensor, batch: Batch | None = None) -> dict[str, Tensor]:
        """The observations of a metric on generated images, with the features computed by the engine."""
        batch = batch or self.batch
        pool = EvaluatorPool(lambda role, name: self.world.evaluator(role))
        images = {"generated": generated, "source": batch.source, "target": batch.target}
        with torch.no_grad():
            seen = FeatureCache(pool, images, "synthetic").view(metric.info.roles)  # type: ignore[arg-type]
            found = metric.measure(generated, batch, seen)
        assert not any(item.missing for item in found), found
        return {item.name: torch.as_tensor(item.values, dtype=torch.float64) for item in found}


def random_aus(count: int, generator: torch.Generator) -> Tensor:
    """AUs active with probability 0.3 at U(0.2, 1), (B, 17); everyone has one of at least 0.9."""
    aus = torch.rand(count, AUS, generator=generator) * 0.8 + 0.2
    aus = aus * (torch.rand(count, AUS, generator=generator) < 0.3)
    aus[torch.arange(count), torch.arange(count) % AUS] = 0.9
    return aus
