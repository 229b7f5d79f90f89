"""Compare gath-warp with a network of GANimation's shape, trained on the same streams for the same time.

    python tests/gath/ganimation.py train --minutes 25 --cache results/runs/pools -o results/runs/ganimation.pt
    python tests/gath/ganimation.py compare results/runs/ganimation.pt results/runs/warp/gath-warp.safetensors

Source of the architecture, the losses and their weights: Pumarola et al., GANimation: Anatomically-aware Facial
Animation from a Single Image, ECCV 2018. The generator has 8.5 M parameters: three strided stages, six residual blocks
at 256 channels with instance normalisation, and two heads, for colour and for attention; the AUs are additional input
channels. The critic scores patches and regresses AUs. It is trained on single frames with AUs (synthfaces' ``frames``
stream), as published; one difference: batches of 8 instead of 25, since a batch of 25 allows only a third of the
steps in the same time.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

if __name__ == "__main__":
    root = Path(__file__).resolve().parents[2]
    sys.path[:0] = [str(root), str(root / "plugins"), str(root / "reference_impl")]

from gath.training.data import Streams, fill_pool
from gath_datasets.synthfaces.adapter import SynthFaces

import gath_bench as gb
from gath_bench.contracts import ModelInfo
from gath_bench.faces import SYNTHFACES

SIDE, AUS, BATCH, FRAMES = 128, 17, 8, 8192
#: Steps of the critic for each of the generator.
CRITIC_STEPS = 5
METRICS = ("au-error", "changed-error", "background-psnr", "identity", "lpips")
#: What is printed of them.
VALUES = ("au-error.mae", "au-error.pcc", "changed-error", "lpips", "background-psnr", "identity.normalised")


@dataclass(frozen=True)
class Weights:
    """Weights of the losses, as published."""

    gradient_penalty: float = 10.0
    condition: float = 4000.0
    attention: float = 0.1
    variation: float = 1e-4
    cycle: float = 10.0


def _block(inputs: int, outputs: int, kernel: int, stride: int = 1, *, up: bool = False) -> nn.Sequential:
    make = nn.ConvTranspose2d if up else nn.Conv2d
    convolution = make(inputs, outputs, kernel, stride, (kernel - 1) // 2, bias=False)
    return nn.Sequential(convolution, nn.InstanceNorm2d(outputs, affine=True), nn.ReLU(inplace=True))


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        second = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.body = nn.Sequential(_block(width, width, 3), second, nn.InstanceNorm2d(width, affine=True))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.body(x)
        return out


class Generator(nn.Module):
    """A portrait (B, 3, H, W) in [-1, 1] and AUs (B, K) -> image and attention mask, which is 1 where it is kept."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            _block(3 + AUS, 64, 7),
            _block(64, 128, 4, 2),
            _block(128, 256, 4, 2),
            *(_Residual(256) for _ in range(6)),
            _block(256, 128, 4, 2, up=True),
            _block(128, 64, 4, 2, up=True),
        )
        self.colour = nn.Conv2d(64, 3, 7, 1, 3, bias=False)
        self.attention = nn.Conv2d(64, 1, 7, 1, 3, bias=False)

    def forward(self, portrait: Tensor, aus: Tensor) -> tuple[Tensor, Tensor]:
        planes = aus[:, :, None, None].expand(-1, -1, *portrait.shape[-2:])
        features = self.body(torch.cat([portrait, planes], 1))
        colour = torch.tanh(self.colour(features).float())
        kept = torch.sigmoid(self.attention(features).float())
        return kept * portrait + (1 - kept) * colour, kept


class Critic(nn.Module):
    """(B, 3, 128, 128) in [-1, 1] -> patch scores (B, 1, 2, 2) and AUs (B, K)."""

    def __init__(self) -> None:
        super().__init__()
        widths = [3, *(64 * 2**level for level in range(6))]
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise(widths):
            layers += [nn.Conv2d(inputs, outputs, 4, 2, 1), nn.LeakyReLU(0.01)]
        self.body = nn.Sequential(*layers)
        self.scores = nn.Conv2d(widths[-1], 1, 3, 1, 1, bias=False)
        self.aus = nn.Conv2d(widths[-1], AUS, SIDE // 64, bias=False)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        features = self.body(images)
        return self.scores(features), self.aus(features)[:, :, 0, 0]


def critic_loss(critic: Critic, real: Tensor, aus: Tensor, generated: Tensor, weights: Weights) -> Tensor:
    """WGAN-GP loss plus the error of the AUs of real images."""
    score, found = critic(real)
    share = torch.rand(len(real), 1, 1, 1)
    between = (share * real + (1 - share) * generated).requires_grad_()
    (slope,) = torch.autograd.grad(critic(between)[0].sum(), between, create_graph=True)
    penalty = (slope.flatten(1).norm(dim=1) - 1).square().mean()
    loss: Tensor = critic(generated)[0].mean() - score.mean() + weights.gradient_penalty * penalty
    return loss + weights.condition * F.mse_loss(found, aus)


def generator_loss(
    generator: Generator, critic: Critic, real: Tensor, aus: Tensor, target: Tensor, weights: Weights
) -> Tensor:
    """Realism, target AUs, attention, and the cycle back to the portrait."""
    images, kept = generator(real, target)
    back, kept_back = generator(images, aus)
    score, found = critic(images)
    loss: Tensor = -score.mean() + weights.condition * F.mse_loss(found, target)
    loss = loss + weights.cycle * (back - real).abs().mean()
    for mask in (kept, kept_back):
        variation = mask.diff(dim=-1).square().sum((1, 2, 3)) + mask.diff(dim=-2).square().sum((1, 2, 3))
        loss = loss + weights.attention * (weights.variation * variation.mean() + (1 - mask).square().mean())
    return loss


def train(minutes: float, cache: Path, output: Path) -> None:
    """Train for a wall time; the learning rate decays linearly in its last third, as published."""
    name = f"synthfaces[resolution={SIDE}]"
    streams = Streams(SynthFaces(resolution=SIDE), name, au_space="openface17", resolution=SIDE, seed=0)
    pool = fill_pool(streams, "frames", FRAMES, cache, lambda *_: None)
    torch.manual_seed(0)
    generator, critic, weights = Generator(), Critic(), Weights()
    optimizers = [torch.optim.Adam(n.parameters(), 1e-4, (0.5, 0.999)) for n in (generator, critic)]
    rng, step, start = torch.Generator().manual_seed(0), 0, time.monotonic()

    def batch() -> tuple[Tensor, Tensor, Tensor]:
        drawn = pool.batch(0, 2 * BATCH, rng)
        return drawn.images[:BATCH] * 2 - 1, drawn.labels[:BATCH], drawn.labels[BATCH:]

    while (passed := (time.monotonic() - start) / 60) < minutes:
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = 1e-4 * min(1.0, 3 * (1 - passed / minutes))
        for _ in range(CRITIC_STEPS):
            real, aus, target = batch()
            with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
                generated = generator(real, target)[0]
            optimizers[1].zero_grad(set_to_none=True)
            critic_loss(critic, real, aus, generated, weights).backward()  # type: ignore[no-untyped-call]
            optimizers[1].step()
        real, aus, target = batch()
        with torch.autocast("cpu", torch.bfloat16):
            loss = generator_loss(generator, critic, real, aus, target, weights)
        optimizers[0].zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizers[0].step()
        step += 1
        print(f"step {step}, {passed:.1f} minutes, loss {float(loss.detach()):.2f}", flush=True)
    torch.save({"state": generator.state_dict(), "steps": step}, output)


class Ganimation:
    """The trained generator as a model of the benchmark."""

    def __init__(self, weights: Path) -> None:
        self.generator = Generator()
        self.generator.load_state_dict(torch.load(weights, weights_only=True)["state"])
        self.generator.eval()

    @property
    def info(self) -> ModelInfo:
        return ModelInfo("ganimation", "openface17", SIDE, template=SYNTHFACES)

    def to(self, device: str) -> Ganimation:
        self.generator.to(device)
        return self

    @torch.no_grad()
    def animate(self, portraits: Tensor, target_aus: Tensor) -> Tensor:
        images: Tensor = self.generator(portraits * 2 - 1, target_aus)[0]
        return images / 2 + 0.5


def compare(ganimation: Path, warp: Path, limit: int) -> None:
    """Print the table of both models beside oracle and copy-source."""
    models = ["oracle", "copy-source", Ganimation(ganimation), f"gath-warp[weights={warp}]"]
    results = gb.evaluate(models=models, datasets=["synthfaces"], metrics=list(METRICS), limit=limit)
    results.report("markdown", metrics=VALUES)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    training = commands.add_parser("train")
    training.add_argument("--minutes", type=float, default=25)
    training.add_argument("--cache", type=Path, default=Path("results/runs/pools"))
    training.add_argument("-o", "--output", type=Path, required=True)
    comparison = commands.add_parser("compare")
    comparison.add_argument("ganimation", type=Path)
    comparison.add_argument("warp", type=Path)
    comparison.add_argument("--limit", type=int, default=200)
    arguments = parser.parse_args()
    if arguments.command == "train":
        train(arguments.minutes, arguments.cache, arguments.output)
        sys.stdout.flush()
        os._exit(0)  # the renderer's thread would otherwise be waited for
    compare(arguments.ganimation, arguments.warp, arguments.limit)


if __name__ == "__main__":
    main()
