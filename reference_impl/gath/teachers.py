"""E and C as files, so that several generators can share them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gath import checkpoint
from gath.config import Config
from gath.networks.encoders import AUEstimator, IdentityClassifier
from gath_bench.errors import UsageError


def save_estimator(path: Path, network: AUEstimator, config: Config, about: Mapping[str, Any]) -> None:
    """Write E, in float32."""
    shape = {
        "au_space": config.au_space, "resolution": config.resolution, "width": config.networks.estimator,
        "window": network.trunk.window,
    }  # fmt: skip
    checkpoint.save_weights(path, {"estimator": network}, {"estimator": shape, **about}, half=False)


def load_estimator(path: Path, config: Config) -> AUEstimator:
    """Read E.

    Raises:
        UsageError: no such file, or it was trained for another AU space or resolution.
    """
    tensors, about = checkpoint.load_weights(path)
    shape = _shape(about, "estimator", path)
    for name, wanted in (("au_space", config.au_space), ("resolution", config.resolution)):
        if shape.get(name) != wanted:
            raise UsageError(f"{path} has {name} {shape.get(name)}, but the configuration has {wanted}.")
    network = AUEstimator(config.aus, config.resolution, shape["width"], shape["window"])
    network.load_state_dict(tensors["estimator"])
    return network


def save_classifier(
    path: Path, network: IdentityClassifier, config: Config, about: Mapping[str, Any]
) -> None:
    """Write C, in float32."""
    identities, embedding = network.people.shape
    shape = {
        "resolution": config.resolution, "width": config.networks.classifier,
        "identities": identities, "embedding": embedding, "window": network.trunk.window,
    }  # fmt: skip
    checkpoint.save_weights(path, {"classifier": network}, {"classifier": shape, **about}, half=False)


def load_classifier(path: Path, config: Config) -> IdentityClassifier:
    """Read C.

    Raises:
        UsageError: no such file, or it was trained for another resolution.
    """
    tensors, about = checkpoint.load_weights(path)
    shape = _shape(about, "classifier", path)
    if shape.get("resolution") != config.resolution:
        raise UsageError(
            f"{path} has resolution {shape.get('resolution')}, but the configuration has {config.resolution}."
        )
    network = IdentityClassifier(
        shape["identities"], config.resolution, shape["width"], shape["window"], shape["embedding"]
    )
    network.load_state_dict(tensors["classifier"])
    return network


def _shape(about: Mapping[str, Any], name: str, path: Path) -> dict[str, Any]:
    shape = about.get(name)
    if not isinstance(shape, dict):
        raise UsageError(f"{path} is of another kind: it holds no {name}.")
    return shape
