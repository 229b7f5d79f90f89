"""Weights files: several networks in one safetensors file, with JSON metadata."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from gath_bench.errors import UsageError
from gath_bench.files import atomic_write


def save_weights(
    path: Path, networks: Mapping[str, nn.Module], about: Mapping[str, Any], *, half: bool
) -> None:
    """Write networks into one safetensors file.

    Args:
        path: the file.
        networks: each tensor is written as ``network.tensor``.
        about: the metadata, JSON.
        half: write matrices and kernels as float16; vectors (biases, running statistics) stay float32.
    """
    from safetensors.torch import save

    tensors: dict[str, Tensor] = {}
    for name, network in networks.items():
        for key, value in network.state_dict().items():
            dtype = torch.float16 if half and value.is_floating_point() and value.ndim > 1 else None
            tensors[f"{name}.{key}"] = value.detach().to("cpu", dtype).contiguous().clone()
    # Not save_file: it creates files that are readable by their owner only.
    with atomic_write(path) as file:
        file.write(save(tensors, metadata={"gath": json.dumps(about, sort_keys=True)}))


def load_weights(path: Path) -> tuple[dict[str, dict[str, Tensor]], dict[str, Any]]:
    """Read a weights file: the float32 tensors of each network, and the metadata.

    Raises:
        UsageError: there is no such file, or it is damaged or not a weights file of this package.
    """
    from safetensors import safe_open

    tensors: dict[str, dict[str, Tensor]] = {}
    try:
        if path.exists() and not path.is_file():
            raise ValueError("it is not a regular file")
        with safe_open(path, framework="pt") as file:
            about = json.loads((file.metadata() or {})["gath"])
            for key in file.keys():  # noqa: SIM118 (not a dictionary)
                network, _, name = key.partition(".")
                value = file.get_tensor(key)
                tensors.setdefault(network, {})[name] = value.float() if value.is_floating_point() else value
    except FileNotFoundError:
        raise UsageError(f"there is no weights file {path}.") from None
    except Exception as error:
        raise UsageError(f"the weights file {path} is damaged or of another kind: {error}.") from error
    return tensors, about
