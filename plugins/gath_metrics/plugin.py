"""Registers the built-in metrics. A metric is its file and its line here: delete both, and it is gone."""

from __future__ import annotations

from gath_bench.contracts.specs import MetricSpec
from gath_bench.hookspecs import hookimpl


@hookimpl
def gath_bench_metrics() -> list[MetricSpec]:
    """The metrics of this plugin."""
    return [
        MetricSpec("ssim", "gath_metrics.ssim:SSIM", "structural similarity to the target image"),
        MetricSpec("ms-ssim", "gath_metrics.ms_ssim:MSSSIM", "structural similarity over five scales"),
        MetricSpec("psnr", "gath_metrics.psnr:PSNR", "peak signal-to-noise ratio against the target image"),
        MetricSpec("changed-error", "gath_metrics.changed_error:ChangedError", "L1 where the edit should be"),
        MetricSpec("background-psnr", "gath_metrics.background_psnr:BackgroundPSNR", "PSNR outside the face"),
        MetricSpec("throughput", "gath_metrics.throughput:Throughput", "latency, images a second, memory"),
    ]
