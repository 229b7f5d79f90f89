"""Networks by their configuration."""

from __future__ import annotations

from gath.config import Config
from gath.networks.generator import DirectGenerator, Generator, WarpGenerator


def build_generator(config: Config) -> Generator:
    """G, untrained."""
    sizes = config.networks
    shape = (config.aus, config.resolution, sizes.generator, sizes.blocks)
    if config.model == "gath":
        return DirectGenerator(*shape, from_source=sizes.from_source)
    return WarpGenerator(*shape, max_flow=sizes.max_flow, chroma=sizes.chroma)
