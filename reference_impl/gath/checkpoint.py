"""Files: whole or not there. Weights that ship are safetensors; what resumes a training is a torch state."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from gath_bench.errors import UsageError

#: File names inside a run folder.
STATE = "checkpoint.pt"
ESTIMATOR = "estimator.safetensors"
CLASSIFIER = "classifier.safetensors"


def save_state(path: Path, state: Mapping[str, Any]) -> None:
    """Write a training's state, by rename, after it reached the disk."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with partial.open("wb") as file:
            torch.save(dict(state), file)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def load_state(path: Path) -> dict[str, Any]:
    """Read a training's state; nothing in it can run code.

    Raises:
        UsageError: there is none, or it is damaged.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise UsageError(f"there is no {path}: give the folder of a training that was stopped.") from None
    except Exception as error:
        raise UsageError(f"{path} is damaged or of another kind: {str(error).splitlines()[0]}") from error
    if not isinstance(state, dict):
        raise UsageError(f"{path} is of another kind: it holds no training's state.")
    return state


def save_weights(
    path: Path, networks: Mapping[str, nn.Module], about: Mapping[str, Any], *, half: bool
) -> None:
    """Write networks into one safetensors file, each tensor as ``network.name``, with ``about`` as its metadata.

    Args:
        half: matrices and kernels as float16; vectors (biases, running statistics) stay float32.
    """
    from safetensors.torch import save

    tensors: dict[str, Tensor] = {}
    for name, network in networks.items():
        for key, value in network.state_dict().items():
            small = half and value.is_floating_point() and value.ndim > 1
            tensors[f"{name}.{key}"] = (
                value.detach().to("cpu", torch.float16 if small else None).contiguous().clone()
            )
    partial = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        # Not save_file: it makes files that nobody else may read.
        partial.write_bytes(save(tensors, metadata={"gath": json.dumps(about, sort_keys=True)}))
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def load_weights(path: Path) -> tuple[dict[str, dict[str, Tensor]], dict[str, Any]]:
    """The tensors of each network, float32, and what the file says about itself.

    Raises:
        UsageError: no such file, or it is damaged or of another kind.
    """
    from safetensors import safe_open

    tensors: dict[str, dict[str, Tensor]] = {}
    try:
        with safe_open(path, framework="pt") as file:
            about = json.loads((file.metadata() or {})["gath"])
            for key in file.keys():  # noqa: SIM118 (it is no dictionary)
                network, _, name = key.partition(".")
                value = file.get_tensor(key)
                tensors.setdefault(network, {})[name] = value.float() if value.is_floating_point() else value
    except FileNotFoundError:
        raise UsageError(f"there is no weights file {path}.") from None
    except Exception as error:
        raise UsageError(f"the weights file {path} is damaged or of another kind: {error}.") from error
    return tensors, about
