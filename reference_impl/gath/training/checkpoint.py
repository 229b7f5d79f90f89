"""Files of a run folder: the checkpoint that a training resumes from, and the trained E and C."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from gath.config import Config, apply_change, parse_config
from gath.networks.build import build_estimator
from gath.networks.encoders import AUEstimator, IdentityClassifier
from gath.release.weights_file import load_weights, save_weights
from gath_bench.errors import UsageError
from gath_bench.files import atomic_write

#: File names in a run folder.
STATE = "checkpoint.pt"
ESTIMATOR = "estimator.safetensors"
CLASSIFIER = "classifier.safetensors"


def save_state(path: Path, state: Mapping[str, Any]) -> None:
    """Write the state of a training atomically."""
    with atomic_write(path) as file:
        torch.save(dict(state), file)


def load_state(path: Path) -> dict[str, Any]:
    """Read the state of a training; the file cannot execute code.

    Raises:
        UsageError: there is none, or it is damaged.
    """
    if path.exists() and not path.is_file():
        raise UsageError(f"{path} is not a regular file: give the run folder of a training.")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise UsageError(f"there is no {path}: give the run folder of a training that was stopped.") from None
    except Exception as error:
        # Not torch's own text: for a file with code in it, that text advises to load it without this protection.
        raise UsageError(
            f"{path} is damaged, or not the state of a training ({type(error).__name__})."
        ) from error
    if not isinstance(state, dict):
        raise UsageError(f"{path} is of another kind: it is not the state of a training.")
    return state


def load_config(folder: Path, changes: Sequence[str] = ()) -> Config:
    """The configuration of a training that was stopped.

    Args:
        folder: its run folder.
        changes: weights of losses from here on, such as ``losses.mask=8``.

    Raises:
        UsageError: the folder holds no checkpoint, or a change is not of a loss.
    """
    for change in changes:
        if not change.strip().startswith("losses."):
            raise UsageError(f"a resumed training can change its losses only, not {change.strip()!r}.")
    content = json.loads(load_state(folder / STATE)["config"])
    for change in changes:
        apply_change(content, change)
    return parse_config(content, f"the configuration in {folder / STATE}")


def copy_teachers(source: Path, folder: Path) -> None:
    """Copy E and C of another run folder.

    Raises:
        UsageError: it does not hold both.
    """
    for name in (ESTIMATOR, CLASSIFIER):
        if not (source / name).exists():
            raise UsageError(
                f"there is no {source / name}: --teachers takes the run folder of a training that has E and C."
            )
        if (source / name).resolve() != (folder / name).resolve():
            with atomic_write(folder / name) as file:
                file.write((source / name).read_bytes())


def copy_estimator(source: Path, folder: Path, config: Config) -> None:
    """Write the E of a generator's weights file to a run folder.

    Raises:
        UsageError: it is not such a file, or its E is of another AU space or resolution.
    """
    tensors, about = load_weights(source)
    if "estimator" not in tensors or "config" not in about:
        raise UsageError(
            f"{source} does not hold the E of a generator: give a file such as gath-warp.safetensors."
        )
    theirs = parse_config(about["config"], f"the configuration in {source}")
    for name in ("au_space", "resolution"):
        if getattr(theirs, name) != getattr(config, name):
            raise UsageError(
                f"{source} has {name} {getattr(theirs, name)}, but the configuration has {getattr(config, name)}."
            )
    network = build_estimator(theirs)
    network.load_state_dict(tensors["estimator"])
    labelled_by = {"labelled_by": about["labelled_by"]} if "labelled_by" in about else {}
    save_estimator(folder / ESTIMATOR, network, theirs, {"copied_from": source.name, **labelled_by})


def save_estimator(path: Path, network: AUEstimator, config: Config, about: Mapping[str, Any]) -> None:
    """Write E, in float32."""
    shape = {
        "au_space": config.au_space,
        "resolution": config.resolution,
        "width": config.networks.estimator,
        "window": network.trunk.window,
    }
    save_weights(path, {"estimator": network}, {"estimator": shape, **about}, half=False)


def load_estimator(path: Path, config: Config) -> AUEstimator:
    """Read E.

    Raises:
        UsageError: there is no such file, or it was trained for another AU space or resolution.
    """
    tensors, about = load_weights(path)
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
        "resolution": config.resolution,
        "width": config.networks.classifier,
        "identities": identities,
        "embedding": embedding,
        "window": network.trunk.window,
    }
    save_weights(path, {"classifier": network}, {"classifier": shape, **about}, half=False)


def load_classifier(path: Path, config: Config) -> IdentityClassifier:
    """Read C.

    Raises:
        UsageError: there is no such file, or it was trained for another resolution.
    """
    tensors, about = load_weights(path)
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
        raise UsageError(f"{path} is of another kind: it does not hold the {name}.")
    return shape
