"""Speed ratios: this package against the same work by other means, measured in turn in one process.

Every case is a pair of calls. Both are called in each round, and the ratio of a round is the time of the first over
that of the second; the median over the rounds is reported, of wall time and of processor time. Under load on the
machine, processor time is the one that repeats.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import gath_bench
from gath_bench.contracts import (
    Batch,
    CommandContext,
    DatasetAdapter,
    DatasetInfo,
    ModelInfo,
    Sample,
    fingerprint,
)
from gath_bench.errors import UsageError
from gath_bench.images import to_8bit

if TYPE_CHECKING:
    from torch import Tensor

    from gath_bench import Results

Call = Callable[[], object]
_BATCH = 16
#: A run in the repository, for `report` and `compare`.
RUN = "results/reference/quick"


@dataclass(frozen=True)
class Ratio:
    """The ratio of two calls over the rounds.

    Attributes:
        wall, processor: the medians of the ratios.
        first, second: the medians of the processor times in seconds.
    """

    wall: float
    processor: float
    first: float
    second: float


@dataclass(frozen=True)
class RatioCase:
    """A pair of calls.

    Attributes:
        summary: what is divided by what.
        bound: the ratio that the project wants, as text.
        pair: the context and a number of pairs of images -> the two calls.
    """

    summary: str
    bound: str
    pair: Callable[[CommandContext, int], tuple[Call, Call]]


def measure_ratio(first: Call, second: Call, rounds: int) -> Ratio:
    """Call both once as a warm-up, and then in turn.

    >>> ratio = measure_ratio(lambda: sum(range(40_000)), lambda: sum(range(10_000)), 5)
    >>> ratio.first > ratio.second
    True
    """
    first(), second()
    times = [(_timed(first), _timed(second)) for _ in range(rounds)]
    wall = statistics.median(one[0] / two[0] for one, two in times)
    processor = statistics.median(one[1] / two[1] for one, two in times)
    taken = (statistics.median(pair[place][1] for pair in times) for place in (0, 1))
    return Ratio(wall, processor, *taken)


def _timed(call: Call) -> tuple[float, float]:
    """Wall and processor time of a call in seconds."""
    wall, processor = time.perf_counter(), _processor_time()
    call()
    return time.perf_counter() - wall, max(_processor_time() - processor, 1e-9)


def _processor_time() -> float:
    """Processor time of this process and of its finished children in seconds."""
    children = 0.0
    if sys.platform != "win32":
        import resource

        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        children = usage.ru_utime + usage.ru_stime
    return time.process_time() + children


def start_up(*arguments: str) -> Callable[[CommandContext, int], tuple[Call, Call]]:
    """A command that measures nothing, against an interpreter that does nothing."""

    def pair(context: CommandContext, pairs: int) -> tuple[Call, Call]:
        if RUN in arguments and not Path(RUN).is_dir():
            raise UsageError(f"there is no folder {RUN} here: call this in a checkout of the project.")
        # With compiled modules, as an installed package has them.
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}

        def run(*words: str) -> object:
            return subprocess.run(
                [sys.executable, *words], stdout=subprocess.DEVNULL, env=environment, check=True
            )

        return lambda: run("-m", "gath_bench", *arguments), lambda: run("-c", "pass")

    return pair


def run_against_loop(context: CommandContext, pairs: int) -> tuple[Call, Call]:
    """``evaluate`` of gath-warp on synthfaces with PSNR and SSIM, against a loop over the same calls."""
    import torch

    data, model = context.make("dataset", "synthfaces"), context.make("model", "gath-warp")
    metrics = [context.make("metric", name) for name in ("psnr", "ssim")]
    nothing: Any = None  # neither metric uses an evaluator

    def loop() -> list[list[float]]:
        samples = list(data.samples("test", "same-subject", 0)[:pairs])
        found: list[list[float]] = []
        with torch.inference_mode():
            for start in range(0, len(samples), _BATCH):
                batch = data.load(samples[start : start + _BATCH])
                generated = to_8bit(model.animate(batch.source, batch.target_aus).clamp(0, 1))
                found += [metric.measure(generated, batch, nothing)[0].values.tolist() for metric in metrics]
        return found

    def run() -> object:
        return gath_bench.evaluate(
            models=["gath-warp"], datasets=["synthfaces"], metrics=["psnr", "ssim"], limit=pairs,
            references=False, device="cpu",
        )  # fmt: skip

    return run, loop


@dataclass(frozen=True)
class Held:
    """A data set of batches in memory, so that loading costs nothing."""

    whole: Batch
    info: DatasetInfo
    name: str = "held"

    @property
    def fingerprint(self) -> str:
        return fingerprint(*self.whole.sample_id)

    def samples(self, split: str, protocol: str, seed: int) -> Sequence[Sample]:
        return [Sample(*names) for names in zip(self.whole.sample_id, self.whole.subject, strict=True)]

    def load(self, samples: Sequence[Sample]) -> Batch:
        place = {name: number for number, name in enumerate(self.whole.sample_id)}
        return self.whole.select([place[sample.sample_id] for sample in samples])

    @classmethod
    def of(cls, data: DatasetAdapter, pairs: int) -> Held:
        """The first pairs of a data set."""
        import torch

        with torch.inference_mode():
            batch = data.load(data.samples("test", "same-subject", 0)[:pairs])
        assert batch.target is not None  # synthfaces has targets
        batch = replace(batch, source=to_8bit(batch.source).clone(), target=to_8bit(batch.target).clone())
        return cls(batch, data.info)


@dataclass(frozen=True)
class Blend:
    """A model that costs nothing: the portrait, lightened."""

    share: float
    name: str

    @property
    def info(self) -> ModelInfo:
        return ModelInfo(fingerprint=fingerprint(str(self.share)))

    def to(self, device: str) -> Blend:
        return self

    def animate(self, portraits: Tensor, target_aus: Tensor, **needs: Any) -> Tensor:
        return portraits * (1 - self.share) + self.share


def engine_against_torchmetrics(context: CommandContext, pairs: int) -> tuple[Call, Call]:
    """Four models with PSNR, SSIM and LPIPS-alex on images in memory, against torchmetrics on the same images."""
    import numpy as np
    import torch
    from torchmetrics.functional.image import peak_signal_noise_ratio, structural_similarity_index_measure
    from torchmetrics.functional.image.lpips import _LPIPS

    held = Held.of(context.make("dataset", "synthfaces"), pairs)
    models = [Blend(share / 10, f"blend-{share}") for share in range(1, 5)]
    lpips = _LPIPS(pretrained=True, net="alex", pnet_rand=True).eval()
    whole, distances = held.whole, list[float]()
    trunk = context.make("perceptual_trunk", "alex").to("cpu")
    trunk(whole.source[:1])  # reads the weights
    _same_trunk(lpips, trunk)

    def run() -> Results:
        return gath_bench.evaluate(
            models=[*models], datasets=[held], metrics=["psnr", "ssim", "lpips[trunk=alex]"], references=False,
            images=False, device="cpu",
        )  # fmt: skip

    def theirs() -> list[float]:
        found: list[float] = []
        distances.clear()
        with torch.inference_mode():
            for model in models:
                for start in range(0, pairs, _BATCH):
                    part = slice(start, start + _BATCH)
                    assert whole.target is not None
                    target = whole.target[part]
                    images = to_8bit(model.animate(whole.source[part], whole.target_aus[part]).clamp(0, 1))
                    found += peak_signal_noise_ratio(
                        images, target, data_range=1.0, dim=(1, 2, 3), reduction="none"
                    ).tolist()
                    similarity = structural_similarity_index_measure(
                        images, target, data_range=1.0, reduction="none"
                    )
                    assert isinstance(similarity, torch.Tensor)  # without the full image
                    found += similarity.tolist()
                    distances.extend(lpips(images, target, normalize=True).flatten().tolist())
        return found

    theirs()
    observed = run().to_long()
    ours = observed.loc[observed["metric"].astype(str).str.startswith("lpips"), "value"].to_numpy()
    difference = float(np.abs(ours - np.array(distances)).max())
    if difference > 1e-4:
        raise ValueError(f"LPIPS differs from torchmetrics by {difference:.2g}")
    return run, theirs


def _same_trunk(lpips: Any, trunk: Any) -> None:
    """Give a network of torchmetrics the weights of a trunk, by the order of its convolutions."""
    import torch
    from torch import nn

    ours = [
        module
        for held in vars(trunk).values()
        if isinstance(held, nn.Module)
        for module in held.modules()
        if isinstance(module, nn.Conv2d)
    ]
    theirs = [module for module in lpips.net.modules() if isinstance(module, nn.Conv2d)]
    with torch.no_grad():
        for mine, other in zip(ours, theirs, strict=True):
            other.load_state_dict(mine.state_dict())


def scikit_image_against_ssim(context: CommandContext, pairs: int) -> tuple[Call, Call]:
    """SSIM of scikit-image, against the metric on the same images."""
    import numpy as np
    from skimage.metrics import structural_similarity

    batch = Held.of(context.make("dataset", "synthfaces"), pairs).whole
    metric = context.make("metric", "ssim")
    nothing: Any = None
    assert batch.target is not None
    sources, targets = (
        images.permute(0, 2, 3, 1).contiguous().numpy() for images in (batch.source, batch.target)
    )

    def ours() -> Any:
        return metric.measure(batch.source, batch, nothing)[0].values

    def theirs() -> list[float]:
        return [
            structural_similarity(  # type: ignore[no-untyped-call]
                one.astype(np.float64), two.astype(np.float64), gaussian_weights=True, sigma=1.5,
                use_sample_covariance=False, data_range=1.0, channel_axis=2,
            )
            for one, two in zip(sources, targets, strict=True)
        ]  # fmt: skip

    difference = float(np.abs(np.array(theirs()) - ours().numpy()).max())
    if difference > 1e-7:
        raise ValueError(f"SSIM differs from scikit-image by {difference:.2g}")
    return theirs, ours


def one_more_model(context: CommandContext, pairs: int) -> tuple[Call, Call]:
    """Models of which all but one are in the store of observations, against that one alone."""
    others = ("oracle", "copy-source", "mean-frame", "gath")
    metrics = ["psnr", "ssim"]

    def run(models: Sequence[str], reuse: bool) -> object:
        return gath_bench.evaluate(
            models=models, datasets=["synthfaces"], metrics=metrics, limit=pairs, references=False,
            images=False, device="cpu", reuse=reuse,
        )  # fmt: skip

    known = [name for name in others if name in context.names("model")]
    place = TemporaryDirectory(prefix="gath-bench-")

    with _cache(place.name):
        run(known, True)
    before = _entries(place.name)

    def added() -> object:
        with _cache(place.name):
            results = run([*known, "gath-warp"], True)
        for path in _entries(place.name) - before:  # the sixth model is measured in every round
            os.unlink(path)
        return results

    return added, lambda: run(["gath-warp"], False)


@contextmanager
def _cache(folder: str) -> Iterator[None]:
    before = os.environ.get("XDG_CACHE_HOME")
    os.environ["XDG_CACHE_HOME"] = folder
    try:
        yield
    finally:
        del os.environ["XDG_CACHE_HOME"]
        if before is not None:
            os.environ["XDG_CACHE_HOME"] = before


def _entries(folder: str) -> set[str]:
    found = set()
    for place, _, names in os.walk(folder):
        found |= {os.path.join(place, name) for name in names if name.endswith(".parquet")}
    return found


CASES: dict[str, RatioCase] = {
    "loop": RatioCase("evaluate over a hand-written loop", "at most 1.10", run_against_loop),
    "torchmetrics": RatioCase("four models over torchmetrics", "at most 0.60", engine_against_torchmetrics),
    "ssim": RatioCase("SSIM of scikit-image over ours", "at least 4", scikit_image_against_ssim),
    "added-model": RatioCase(
        "a model added to four known ones over it alone", "at most 1.20", one_more_model
    ),
    "help": RatioCase("--help over an empty interpreter", "at most 10", start_up("--help")),
    "list": RatioCase("list over an empty interpreter", "at most 60", start_up("list")),
    "report": RatioCase("report over an empty interpreter", "at most 60", start_up("report", RUN)),
    "compare": RatioCase("compare over an empty interpreter", "at most 60", start_up("compare", RUN, RUN)),
}
