"""The samples that components are checked on."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gath_bench.contracts.batch import Batch
from gath_bench.contracts.dataset import DatasetInfo
from gath_bench.contracts.keys import ComponentName
from gath_bench.engine.outputs import checked_batch
from gath_bench.errors import Unavailable, UsageError
from gath_bench.evaluators import EvaluatorPool
from gath_bench.faces.framing import Framing
from gath_bench.images import to_8bit
from gath_bench.perf import time_calls
from gath_bench.plugins import Plugins
from gath_bench.registry import Component, Registry
from gath_bench.suite import Suite, built_in_suite

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

#: The number of samples that a component is checked on.
COUNT = 6


@dataclass(frozen=True)
class Bench:
    """Where components are checked: the plugins, and the data set to take samples from.

    Attributes:
        plugins: the plugins that names refer to.
        registry: their components.
        dataset: the name of a data set; None takes those of the quick suite.
        device: ``"cpu"`` or ``"cuda:i"``.
    """

    plugins: Plugins
    registry: Registry
    dataset: str | None = None
    device: str = "cpu"

    def samples(
        self, domains: Collection[str] | None = None, protocols: Collection[str] | None = None
    ) -> Samples:
        """Samples of the first data set that has one of these domains and protocols (None: any).

        Raises:
            Unavailable: no data set has.
            UsageError: the named data set cannot be used.
        """
        names = [self.dataset] if self.dataset else [choice.name for choice in self._quick().datasets]
        for name in names:
            if self.dataset is None and name not in self.registry.entries["dataset"]:
                continue
            component = self.registry.make("dataset", name)
            info: DatasetInfo = component.info
            if domains is not None and info.domain not in domains:
                continue
            for protocol in info.protocols:
                if protocols is None or protocol in protocols:
                    return self._load(component, protocol)
        wanted = [
            *([f"domain {' or '.join(sorted(domains))}"] if domains else []),
            *([f"protocol {' or '.join(sorted(protocols))}"] if protocols else []),
        ]
        raise Unavailable(f"{' and '.join(names)} has no samples of {', '.join(wanted) or 'any kind'}")

    def pool(self, extra: Component | None = None) -> EvaluatorPool:
        """The evaluators on the device; ``extra`` is used for its own kind and name, registered or not."""

        def make(kind: str, name: str | ComponentName) -> Component:
            if extra is not None and (kind, str(name)) == (extra.spec.kind, str(extra.name)):
                return extra
            return self.registry.make(kind, name)  # type: ignore[arg-type]

        return EvaluatorPool(make, self.device)

    def framing(self, samples: Samples) -> Framing:
        """Aligns the faces of some samples."""
        info: DatasetInfo = samples.dataset.info
        return self.pool().framing(info.template, self._quick().detector, info.domain)

    def _load(self, component: Component, protocol: str) -> Samples:
        split = "test" if "test" in component.info.splits else component.info.splits[0]
        listed = list(component.instance.samples(split, protocol, 0))[:COUNT]
        if not listed:
            raise UsageError(f"{component.name} has no samples in split {split!r} under {protocol!r}.")
        batch = checked_batch(component.instance.load(listed), listed, component.info)
        return Samples(component, protocol, split, batch)

    def _quick(self) -> Suite:
        return built_in_suite("quick")


@dataclass(frozen=True)
class Samples:
    """A few loaded samples of a data set."""

    dataset: Component
    protocol: str
    split: str
    batch: Batch

    def __len__(self) -> int:
        return len(self.batch)


def blur(images: Tensor, level: float = 2.0) -> Tensor:
    """Images that are blurred by a Gaussian of ``level`` pixels, 8-bit (B, 3, H, W)."""
    from torchvision.transforms.functional import gaussian_blur

    return to_8bit(gaussian_blur(images, [2 * int(3 * level) + 1] * 2, [level] * 2))


def noise(images: Tensor, level: float = 0.1) -> Tensor:
    """Images with Gaussian noise of a fixed pattern and standard deviation ``level``, 8-bit (B, 3, H, W)."""
    import torch

    drawn = torch.randn(images.shape[1:], generator=torch.Generator().manual_seed(7))
    return to_8bit((images + level * drawn.to(images.device)).clamp(0, 1))


def milliseconds(call: Callable[[], object], count: int, device: str) -> str:
    """The median time of a call on ``count`` samples, per sample."""
    from statistics import median

    readings = time_calls(call, device=device, seconds=0.2, warmup=1, least=3)
    return f"{median(readings) / count:.2f} ms per sample, {count} in a batch, on {device}"
