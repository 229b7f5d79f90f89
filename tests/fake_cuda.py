"""CUDA code without a GPU: tensors that have a device, a shape and a type, but no values.

Operations on tensors of different devices fail as on a GPU. Values that the code reads are constants. The backward pass
is torch's own and needs a driver: gradients are zeros.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.overrides import TorchFunctionMode


class CudaGenerator(torch.Generator):
    """A generator that says it is on the GPU; a real one cannot be made without a driver."""

    @property
    def device(self) -> torch.device:  # type: ignore[override]
        return torch.device("cuda")


class _Values(TorchFunctionMode):
    """Where a value of a tensor is read, the constant of its type: 1, 0.5 or True; every mask selects all."""

    _READ = (
        Tensor.item,
        Tensor.__float__,
        Tensor.__int__,
        Tensor.__bool__,
        Tensor.__index__,
        Tensor.tolist,
        Tensor.numpy,
        Tensor.__array__,
    )

    #: Would keep their values, and move them to a real GPU.
    _MADE = (torch.tensor, torch.as_tensor, torch.from_numpy)

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if func in (Tensor.nonzero, torch.nonzero):
            return torch.zeros(args[0].numel(), args[0].ndim, dtype=torch.int64, device=args[0].device)
        if func is Tensor.__getitem__ and isinstance(args[1], Tensor) and args[1].dtype is torch.bool:
            places = torch.zeros(args[1].numel(), dtype=torch.int64, device=args[1].device)
            return args[0][(places,) * args[1].ndim]
        if func in (Tensor.__getitem__, Tensor.__setitem__) and isinstance(args[1], list):
            places = torch.zeros(len(args[1]), dtype=torch.int64)
            return func(args[0], places, *args[2:])
        if func in self._MADE and not isinstance(args[0], Tensor):
            return _without_values(args[0], **(kwargs or {}))
        if func not in self._READ:
            return func(*args, **(kwargs or {}))
        tensor: Tensor = args[0]
        if func in (Tensor.numpy, Tensor.__array__) and tensor.device.type != "cpu":
            raise TypeError(f"numpy cannot read a tensor on {tensor.device}")
        kind = {torch.bool: np.bool_, torch.uint8: np.uint8, torch.float64: np.float64}.get(tensor.dtype)
        kind = kind or (np.float32 if tensor.is_floating_point() else np.int64)
        values = np.full(tuple(tensor.shape), 0.5 if tensor.is_floating_point() else 1, kind)
        if func in (Tensor.numpy, Tensor.__array__):
            return values
        read = values.tolist() if func is Tensor.tolist else values.reshape(-1)[0].item()
        converted = {
            Tensor.__float__: float,
            Tensor.__int__: int,
            Tensor.__index__: int,
            Tensor.__bool__: bool,
        }
        return converted.get(func, lambda value: value)(read)


def _without_values(content: Any, *, dtype: Any = None, device: Any = None, **_: Any) -> Tensor:
    """A tensor of the shape and type that ``torch.tensor`` gives."""
    if isinstance(content, list | tuple) and content and isinstance(content[0], Tensor):
        return torch.zeros(len(content), dtype=dtype or content[0].dtype, device=device)
    array = np.asarray(content)
    given = isinstance(content, np.ndarray)
    kinds = {"f": torch.get_default_dtype(), "i": torch.int64, "b": torch.bool, "u": torch.uint8}
    natural = torch.float64 if given and array.dtype == np.float64 else kinds[array.dtype.kind]
    return torch.zeros(array.shape, dtype=dtype or natural, device=device)


@contextmanager
def fake_cuda() -> Iterator[None]:
    """Inside it, tensors are fake. As on a machine with a GPU, new ones are on the CPU unless the code says else."""
    with (
        patch.object(nn.Module, "_apply", _apply),
        patch.object(Tensor, "backward", lambda loss: None),
        patch.object(torch.autograd, "grad", _zeros),
        patch.object(FakeTensorMode, "__deepcopy__", lambda mode, memo: mode, create=True),
        FakeTensorMode(allow_non_fake_inputs=False),
        _Values(),
    ):
        yield


def _zeros(outputs: Tensor, inputs: Any, **_: Any) -> tuple[Tensor, ...]:
    every = inputs if isinstance(inputs, list | tuple) else [inputs]
    assert devices(list(every)) == devices(outputs)
    return tuple(torch.zeros_like(one) for one in every)


def _apply(module: nn.Module, change: Callable[[Tensor], Tensor], recurse: bool = True) -> nn.Module:
    """``nn.Module.to``: torch's own exchanges the contents of tensors, which fake ones do not allow."""
    for child in module.children():
        _apply(child, change)
    for name, parameter in module._parameters.items():
        if parameter is not None:
            module._parameters[name] = nn.Parameter(change(parameter).detach(), parameter.requires_grad)
    for name, buffer in module._buffers.items():
        if buffer is not None:
            module._buffers[name] = change(buffer)
    return module


def devices(values: Any) -> set[str]:
    """The devices of all tensors in nested tuples, lists and dictionaries."""
    if isinstance(values, Tensor):
        return {values.device.type}
    if isinstance(values, Mapping):
        return devices(tuple(values.values()))
    if isinstance(values, tuple | list):
        return set().union(*map(devices, values)) if values else set()
    return set()
