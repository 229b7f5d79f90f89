"""Untrained networks, as a configuration describes them."""

from __future__ import annotations

from gath.config import Config
from gath.networks.discriminator import Discriminator
from gath.networks.encoders import AUEstimator, IdentityClassifier
from gath.networks.generator import DirectGenerator, Generator, WarpGenerator


def build_generator(config: Config) -> Generator:
    """G, untrained."""
    sizes = config.networks
    shape = (config.aus, config.resolution, sizes.generator, sizes.blocks, sizes.patch)
    if config.model == "gath":
        return DirectGenerator(*shape, from_source=sizes.from_source)
    return WarpGenerator(
        *shape,
        max_flow=sizes.max_flow,
        chroma=sizes.chroma,
        fine=sizes.fine_flow,
        least_flow=sizes.least_flow,
        replace=sizes.replace,
    )


def build_discriminator(config: Config) -> Discriminator:
    """D, untrained."""
    sizes = config.networks
    shape = (config.aus, config.resolution, sizes.discriminator, sizes.patch)
    return Discriminator(*shape, spectral=sizes.spectral)


def build_estimator(config: Config) -> AUEstimator:
    """E, untrained."""
    sizes = config.networks
    return AUEstimator(config.aus, config.resolution, sizes.estimator, sizes.window_pixels(config.resolution))


def build_classifier(config: Config, identities: int) -> IdentityClassifier:
    """C, untrained, for a number of training identities."""
    sizes = config.networks
    return IdentityClassifier(
        identities,
        config.resolution,
        sizes.classifier,
        sizes.window_pixels(config.resolution),
        sizes.embedding,
    )
