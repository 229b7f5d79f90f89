"""Registers the built-in metrics. To remove a metric, delete its module and its line here."""

from __future__ import annotations

from gath_bench.contracts.specs import MetricSpec, PerceptualTrunkSpec
from gath_bench.hookspecs import hookimpl
from gath_metrics.known_weights import ALEXNET, INCEPTION_V3, SQUEEZENET, VGG16


@hookimpl
def gath_bench_metrics() -> list[MetricSpec]:
    """The metrics of this plugin."""
    return [
        MetricSpec("ssim", "gath_metrics.ssim:SSIM", "structural similarity to the target image"),
        MetricSpec("ms-ssim", "gath_metrics.ms_ssim:MSSSIM", "structural similarity over five scales"),
        MetricSpec("psnr", "gath_metrics.psnr:PSNR", "peak signal-to-noise ratio against the target image"),
        MetricSpec(
            "changed-error",
            "gath_metrics.changed_error:ChangedError",
            "L1 where the edit should change pixels",
        ),
        MetricSpec("background-psnr", "gath_metrics.background_psnr:BackgroundPSNR", "PSNR outside the face"),
        MetricSpec("throughput", "gath_metrics.throughput:Throughput", "latency, images per second, memory"),
        MetricSpec("au-error", "gath_metrics.au_error:AUError", "requested AUs versus measured ones"),
        MetricSpec(
            "au-control", "gath_metrics.au_control:AUControl", "response to a swept AU: slope, leakage"
        ),
        MetricSpec(
            "identity", "gath_metrics.identity:Identity", "cosine of identity embeddings to the source"
        ),
        MetricSpec("temporal", "gath_metrics.temporal:Temporal", "flicker and jerk over the frames of clips"),
        MetricSpec("fid", "gath_metrics.frechet_distance:FID", "Fréchet inception distance to the targets"),
        MetricSpec("kid", "gath_metrics.kernel_distance:KID", "kernel inception distance to the targets"),
        MetricSpec(
            "frechet-distance",
            "gath_metrics.frechet_distance:FrechetDistance",
            "as fid, over the features of any network",
        ),
        MetricSpec(
            "kernel-distance",
            "gath_metrics.kernel_distance:KernelDistance",
            "as kid, over the features of any network",
        ),
        MetricSpec("lpips", "gath_metrics.lpips:LPIPS", "learned perceptual distance to the target image"),
    ]


@hookimpl
def gath_bench_perceptual_trunks() -> list[PerceptualTrunkSpec]:
    """The trunks of the ``lpips`` package, and the network of FID. Their weights must be installed by the user."""
    module = "gath_metrics.imagenet_trunks"
    return [
        PerceptualTrunkSpec("alex", f"{module}:AlexTrunk", "AlexNet, ImageNet weights", weights=(ALEXNET,)),
        PerceptualTrunkSpec(
            "squeeze", f"{module}:SqueezeTrunk", "SqueezeNet 1.1, ImageNet weights", weights=(SQUEEZENET,)
        ),
        PerceptualTrunkSpec(
            "inception",
            "gath_metrics.inception:InceptionTrunk",
            "the Inception network of FID and KID",
            requires=("torch_fidelity",),
            extra="fid",
            weights=(INCEPTION_V3,),
        ),
        PerceptualTrunkSpec("vgg", f"{module}:VGGTrunk", "VGG16, ImageNet weights", weights=(VGG16,)),
    ]
