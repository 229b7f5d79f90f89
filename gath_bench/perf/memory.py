"""Peak memory of a call, and the size of a model's weights."""

from __future__ import annotations

import contextlib
import ctypes
import gc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from gath_bench.errors import Unavailable

if TYPE_CHECKING:
    from torch import nn

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")


@dataclass(frozen=True)
class PeakMemory:
    """The peak of a call, above what the process held before.

    Attributes:
        bytes: the increase.
        kind: ``"rss"``, growth of the process's resident set on a CPU, or ``"cuda"``, growth of the memory that
            torch's allocator has allocated on a GPU.
    """

    bytes: int
    kind: Literal["rss", "cuda"]


def measure_peak_memory(call: Callable[[], object], *, device: str = "cpu") -> PeakMemory:
    """The peak memory that a call needs beyond what the process already holds. Call it once before, as a warm-up.

    On a CPU it is the growth of the resident set, whose peak Linux records (``VmHWM``). Freed heap memory is
    returned to the system first; the call could otherwise reuse it without any growth.

    Raises:
        Unavailable: the system does not let a process reset its recorded peak.
    """
    gc.collect()
    if device.startswith("cuda"):
        return _cuda_peak(call, device)
    return _rss_peak(call)


def _cuda_peak(call: Callable[[], object], device: str) -> PeakMemory:
    import torch

    torch.cuda.synchronize(device)
    torch.cuda.reset_peak_memory_stats(device)
    before = torch.cuda.memory_allocated(device)
    call()
    torch.cuda.synchronize(device)
    return PeakMemory(torch.cuda.max_memory_allocated(device) - before, "cuda")


def _rss_peak(call: Callable[[], object]) -> PeakMemory:
    return_freed_memory()
    try:
        _CLEAR.write_text("5")  # resets VmHWM, see proc(5)
        before = _status("VmRSS")
        call()
        return PeakMemory(max(0, _status("VmHWM") - before), "rss")
    except (OSError, KeyError) as error:
        raise Unavailable("this system does not report the peak memory of a process") from error


def return_freed_memory() -> None:
    """Return freed heap memory to the system.

    glibc keeps freed blocks between blocks that are in use, which grows with every small object that is kept between
    large tensors. Without glibc nothing happens.
    """
    with contextlib.suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


def _status(name: str) -> int:
    for line in _STATUS.read_text(encoding="ascii").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise KeyError(name)


def _modules(model: object) -> Iterator[nn.Module]:
    from torch import nn

    held = [model, *vars(model).values()] if hasattr(model, "__dict__") else [model]
    yield from (item for item in held if isinstance(item, nn.Module))


def parameter_count(model: object) -> int | None:
    """Number of parameters of a model; None if neither it nor any of its attributes is a torch module.

    >>> from torch import nn
    >>> parameter_count(nn.Linear(3, 2)), parameter_count(object())
    (8, None)
    """
    modules = list(_modules(model))
    unique = {id(item): item for module in modules for item in module.parameters()}
    return sum(item.numel() for item in unique.values()) if modules else None


def parameter_bytes(model: object) -> int:
    """Size of a model's parameters and buffers in bytes; 0 without torch modules."""
    unique = {
        id(item): item
        for module in _modules(model)
        for items in (module.parameters(), module.buffers())
        for item in items
    }
    return sum(item.numel() * item.element_size() for item in unique.values())
