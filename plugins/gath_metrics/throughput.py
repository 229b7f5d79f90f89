"""throughput: latency, images per second, memory and size of a model on the device it runs on."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from gath_bench.contracts import Measured, MetricInfo, Summary, SystemUnderTest
from gath_bench.errors import Unavailable, UsageError, describe_error
from gath_bench.perf import (
    Contention,
    count_flops,
    measure_peak_memory,
    parameter_bytes,
    parameter_count,
    time_calls,
)

_BYTES_PER_MB = 1_000_000
#: Shares of the time budget ``seconds``.
_LATENCY_SHARE, _SWEEP_SHARE, _END_TO_END_SHARE = 0.4, 0.4, 0.2


def batch_of(samples: Tensor, size: int) -> Tensor:
    """The first ``size`` of N samples, repeated from the first if N is smaller.

    >>> batch_of(torch.arange(3), 5).tolist()
    [0, 1, 2, 0, 1]
    """
    return samples[torch.arange(size, device=samples.device) % len(samples)].contiguous()


def encode_png(image: Tensor) -> bytes:
    """A (3, H, W) image in [0, 1] as the bytes of an 8-bit PNG, at Pillow's default compression."""
    levels = image.detach().clamp(0, 1).mul(255).round().to(torch.uint8)
    buffer = io.BytesIO()
    Image.fromarray(levels.permute(1, 2, 0).cpu().numpy()).save(buffer, format="PNG")
    return buffer.getvalue()


def decode_png(data: bytes) -> Tensor:
    """The bytes of an RGB PNG as float32 (3, H, W) in [0, 1].

    >>> image = torch.rand(3, 8, 8).mul(255).round() / 255
    >>> torch.equal(decode_png(encode_png(image)), image)
    True
    """
    with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
        levels = torch.from_numpy(np.array(image.convert("RGB")))
    return levels.permute(2, 0, 1).float() / 255


def parse_batch_sizes(text: str) -> tuple[int, ...]:
    """Batch sizes joined by ``+``, sorted, each once.

    >>> parse_batch_sizes("8+1+8")
    (1, 8)

    Raises:
        UsageError: the text is not of that form.
    """
    words = [word.strip() for word in text.split("+")]
    if not all(word.isdecimal() and int(word) > 0 for word in words):
        raise UsageError(
            f"batch_sizes={text!r} is not a list of batch sizes: write numbers joined by +, as in 1+8."
        )
    return tuple(sorted({int(word) for word in words}))


class Throughput:
    """The system metric ``throughput``.

    Latency is measured at batch size 1. Images per second are measured at every batch size of the sweep;
    ``throughput.images_per_s`` is that of the largest. Both cover the model alone, with input and output on the device.
    End to end is one portrait at a time, from the bytes of a PNG to the bytes of a PNG. Speeds that were measured while
    other processes used the processors have a remark.
    """

    def __init__(self, *, batch_sizes: str = "1+8", seconds: float = 1.2, least: int = 5) -> None:
        """Args:
            batch_sizes: the sweep, numbers joined by ``+``.
            seconds: total measuring time, divided among the measurements.
            least: minimum number of readings of each kind.

        Raises:
            UsageError: a parameter is out of range.
        """
        self.batch_sizes = parse_batch_sizes(batch_sizes)
        if seconds <= 0 or least < 1:
            raise UsageError("seconds must be above 0 and least at least 1.")
        self.seconds = seconds
        self.least = least

    @property
    def info(self) -> MetricInfo:
        """The values; the sweep has one per batch size."""
        latencies = tuple(_latency(percentile) for percentile in ("p50", "p90", "p99"))
        sweep = tuple(
            _rate(f"throughput.images_per_s_batch_{size}", primary=False) for size in self.batch_sizes
        )
        return MetricInfo(
            summaries=(
                _rate("throughput.images_per_s"),
                *latencies,
                Summary("throughput.peak_memory_mb", "lower", "MB", low=0.0, reducer="max"),
                _rate("throughput.e2e_images_per_s", primary=False),
                *sweep,
                Summary("throughput.parameters", "none", low=0.0, reducer="max", primary=False),
                Summary("throughput.flops", "none", "FLOP per image", low=0.0, reducer="max", primary=False),
            ),
            deterministic=False,
            display="{:,.2f}",
        )

    @torch.no_grad()
    def measure_system(self, system: SystemUnderTest) -> Sequence[Measured]:
        """Measure speed, peak memory, parameters and FLOPs.

        Raises:
            Unavailable: the model does not compute its images (``timed=False``).
        """
        if not system.model.info.timed:
            raise Unavailable("not timed: the model does not compute its images")
        one = _call(system, 1)
        contention = Contention()
        latency = self._time(one, system, _LATENCY_SHARE)
        sweep = {
            size: [
                1000 * size / milliseconds
                for milliseconds in self._time(
                    _call(system, size), system, _SWEEP_SHARE / len(self.batch_sizes)
                )
            ]
            for size in self.batch_sizes
        }
        end_to_end = self._time(_end_to_end(system), system, _END_TO_END_SHARE)
        speeds = {
            "throughput.latency_ms": latency,
            "throughput.images_per_s": sweep[self.batch_sizes[-1]],
            **{f"throughput.images_per_s_batch_{size}": rates for size, rates in sweep.items()},
            "throughput.e2e_images_per_s": [1000 / milliseconds for milliseconds in end_to_end],
        }
        remark = contention.remark()
        return [
            *(Measured(name, readings, remark=remark) for name, readings in speeds.items()),
            _peak_memory(_call(system, self.batch_sizes[-1]), system),
            _parameters(system),
            _flops(one),
        ]

    def _time(self, call: Callable[[], object], system: SystemUnderTest, share: float) -> tuple[float, ...]:
        return time_calls(call, device=system.device, seconds=self.seconds * share, least=self.least)


def _latency(percentile: str) -> Summary:
    name, inputs = f"throughput.latency_{percentile}_ms", ("throughput.latency_ms",)
    return Summary(
        name, "lower", "ms", low=0.0, reducer=percentile, inputs=inputs, primary=percentile == "p50"
    )


def _rate(name: str, *, primary: bool = True) -> Summary:
    return Summary(name, "higher", "images/s", low=0.0, reducer="median", primary=primary)


def _call(system: SystemUnderTest, size: int) -> Callable[[], Tensor]:
    portraits, target_aus = batch_of(system.portraits, size), batch_of(system.target_aus, size)
    return lambda: system.animate(portraits, target_aus)


def _end_to_end(system: SystemUnderTest) -> Callable[[], bytes]:
    data = encode_png(system.portraits[0])
    target_aus = batch_of(system.target_aus, 1)

    def call() -> bytes:
        portrait = decode_png(data).to(system.device)
        return encode_png(system.animate(portrait[None], target_aus)[0])

    return call


def _peak_memory(call: Callable[[], Tensor], system: SystemUnderTest) -> Measured:
    name = "throughput.peak_memory_mb"
    try:
        peak = measure_peak_memory(call, device=system.device)
    except Unavailable as error:
        return _na(name, str(error))
    return Measured(name, [(peak.bytes + parameter_bytes(system.model)) / _BYTES_PER_MB])


def _parameters(system: SystemUnderTest) -> Measured:
    count = parameter_count(system.model)
    name = "throughput.parameters"
    return _na(name, "the model holds no torch module") if count is None else Measured(name, [float(count)])


def _flops(call: Callable[[], Tensor]) -> Measured:
    name = "throughput.flops"
    try:
        flops = count_flops(call)
    except Exception as error:  # the other values of a model that cannot be traced stay valid
        return _na(name, f"its operations cannot be counted: {describe_error(error)}")
    return Measured(name, [float(flops)]) if flops else _na(name, "no counted torch operation runs in it")


def _na(name: str, reason: str) -> Measured:
    return Measured(name, [float("nan")], missing={0: reason})
