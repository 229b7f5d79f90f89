"""Train the bundled face detector from scratch: render, train both networks, measure, write weights and card."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from gath_bench import UsageError, __version__
from gath_bench.contracts import CommandContext, Face, LandmarkStream, file_hash
from gath_bench.files import atomic_write, write_json, write_text
from gath_bench.git import source_state
from gath_estimators.detectors import augment, training
from gath_estimators.detectors.bundled import FILE, Detector, SynthFacesDetector, write_weights
from gath_estimators.detectors.data import RENDER, Pool, render_pool
from gath_estimators.detectors.networks import LandmarkNetwork, ProposalNetwork

CARD = "card.md"
#: Held-out portraits and textures on which the finished detector is measured.
HELD_OUT = 128
#: Where held-out portraits begin in the stream, in batches: beyond every training.
_HELD_OUT_START = 1 << 20
_BATCH = 64


@dataclass(frozen=True)
class Options:
    """The options of ``gath-bench train-face-detector`` that decide the result."""

    dataset: str = "synthfaces"
    images: int = 12288
    proposal_steps: int = 1500
    landmark_steps: int = 5000
    seed: int = 0


@dataclass(frozen=True)
class Quality:
    """A detector on portraits with known landmarks.

    Attributes:
        found: share of the portraits in which a face is found at its place.
        median, p95: quantiles of the mean landmark distance over the distance of the eyes.
        false: share of textures in which a face is found.
    """

    found: float
    median: float
    p95: float
    false: float


def train_all(context: CommandContext, folder: Path, options: Options, tell: Callable[[str], None]) -> Path:
    """Do whatever is not yet done; the path of the model card.

    ``work/`` in the folder holds what is finished, so that a second call with the same options resumes.

    Raises:
        UsageError: the data set has no landmark stream, or the folder holds a training with other options.
    """
    work = folder / "work"
    _claim(work, options)
    pool = _pool(context, work, options, tell)
    with torch.random.fork_rng(devices=[]):
        network = Detector()
    proposals = partial(training.train_proposals, pool, options.proposal_steps, options.seed)
    landmarks = partial(training.train_landmarks, pool, options.landmark_steps, options.seed)
    minutes = {
        "proposals": _trained(work / "proposals.pt", network.proposals, proposals, tell),
        "landmarks": _trained(work / "landmarks.pt", network.landmarks, landmarks, tell),
    }
    write_weights(folder, network.eval())
    quality = measure(SynthFacesDetector(folder=folder), _held_out(context, options))
    card = folder / CARD
    write_text(card, "\n".join(_card(folder, options, pool, minutes, quality)) + "\n")
    return card


def measure(detector: SynthFacesDetector, portraits: list[tuple[Tensor, Tensor]]) -> Quality:
    """A detector on held-out portraits (image, landmarks), and on as many textures."""
    errors, missed = [], 0
    for image, landmarks in portraits:
        eyes = (landmarks[36:42].mean(0) - landmarks[42:48].mean(0)).norm()
        off = [
            float((f.landmarks - landmarks).norm(dim=1).mean() / eyes) for f in detector.detect([image])[0]
        ]
        if off and min(off) < 0.5:
            errors.append(min(off))
        else:
            missed += 1
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        textures = augment.textures(HELD_OUT // 2, RENDER)
    faces: list[list[Face]] = detector.detect(list(textures))
    false = sum(bool(f) for f in faces) / len(faces)
    e = torch.tensor(errors or [float("nan")])
    return Quality(len(errors) / len(portraits), float(e.median()), float(e.quantile(0.95)), false)


def _held_out(context: CommandContext, options: Options) -> list[tuple[Tensor, Tensor]]:
    adapter = context.make("dataset", f"{options.dataset}[resolution={RENDER}]")
    assert isinstance(adapter, LandmarkStream)  # the pool was rendered from it
    stream = adapter.landmarked(batch_size=_BATCH, seed=options.seed, start=_HELD_OUT_START)
    batches = list(islice(stream, HELD_OUT // _BATCH))
    return [pair for b in batches for pair in zip(b.images, b.landmarks, strict=True)]


def _claim(work: Path, options: Options) -> None:
    """The folder holds the work of one set of options only."""
    path, wanted = work / "options.json", asdict(options)
    if path.is_file():
        if json.loads(path.read_text(encoding="utf-8")) != wanted:
            raise UsageError(
                f"{work.parent} holds a training with other options: name another folder with -o."
            )
        return
    work.mkdir(parents=True, exist_ok=True)
    write_json(path, wanted)


def _pool(context: CommandContext, work: Path, options: Options, tell: Callable[[str], None]) -> Pool:
    path = work / "pool.pt"
    if path.is_file():
        return Pool(**torch.load(path, weights_only=True))
    done, started = 0, time.monotonic()

    def progress(more: int) -> None:
        nonlocal done
        done += more
        if done % 1024 == 0:
            tell(f"rendered {done} of {options.images} ({time.monotonic() - started:.0f} s)")

    pool = render_pool(context, options.dataset, options.images, options.seed, progress)
    _save(path, vars(pool))
    return pool


def _trained(
    path: Path,
    network: nn.Module,
    train: Callable[[training.Progress], nn.Module],
    tell: Callable[[str], None],
) -> float:
    """Fill a network with its trained weights, training it if it is not kept; the minutes that this took."""
    if not path.is_file():
        started = time.monotonic()

        def progress(which: str, step: int, of: int, loss: float) -> None:
            tell(f"{which}: step {step} of {of}, loss {loss:.4f} ({time.monotonic() - started:.0f} s)")

        made = train(progress)
        _save(path, {"minutes": (time.monotonic() - started) / 60, "state": made.state_dict()})
    kept = torch.load(path, weights_only=True)
    network.load_state_dict(kept["state"])
    return float(kept["minutes"])


def _save(path: Path, content: dict[str, Any]) -> None:
    with atomic_write(path) as file:
        torch.save(content, file)


def _card(
    folder: Path, options: Options, pool: Pool, minutes: dict[str, float], quality: Quality
) -> list[str]:
    command = " ".join(
        ["gath-bench train-face-detector"]
        + [f"--{name.replace('_', '-')} {value}" for name, value in asdict(options).items()]
    )
    with torch.device("meta"):  # no initial weights, which would draw from the global random generator
        networks = {"proposals": ProposalNetwork(), "landmarks": LandmarkNetwork()}
    parameters = {name: sum(p.numel() for p in network.parameters()) for name, network in networks.items()}
    hardware = f"{platform.processor() or 'CPU'}, {os.cpu_count()} cores, torch {torch.__version__}"
    return [
        "# Bundled face detector: model card",
        "",
        "Written by the command below. Two networks find faces in images of any size and give 68 landmarks: a fully",
        "convolutional network proposes faces on an image pyramid, a second network reads the landmarks from aligned",
        "crops and rejects proposals that show no face. Both were trained on procedural faces alone. `docs/faces.md`",
        "has their figures on photos and videos.",
        "",
        "| | |",
        "|---|---|",
        f"| command | `{command}` |",
        f"| code | gath-bench {__version__}, commit {source_state(__file__)} |",
        f"| training data | fingerprint `{pool.fingerprint[:16]}`; {len(pool)} portraits of subjects that are in no "
        "evaluated split and in no training stream of models |",
        f"| hardware | {hardware} |",
        "| minutes of training | " + ", ".join(f"{n} {v:.0f}" for n, v in minutes.items()) + " |",
        "| parameters | " + ", ".join(f"{n} {v / 1e6:.2f} M" for n, v in parameters.items()) + " |",
        f"| `{FILE}` | {(folder / FILE).stat().st_size / 1e6:.1f} MB, "
        f"SHA-256 `{file_hash(folder / FILE)[:16]}` |",
        "",
        f"Measured with the weights as written, on {HELD_OUT} portraits of subjects that no training uses, "
        f"{RENDER} pixels:",
        "",
        "| found | median error | 95th percentile | textures with a face |",
        "|---|---|---|---|",
        f"| {quality.found:.1%} | {quality.median:.3f} | {quality.p95:.3f} | {quality.false:.1%} |",
        "",
        "The error of a face is the mean distance of its landmarks from the true ones over the distance of the eyes.",
        "",
        "Limits: profiles beyond about 50 degrees, strong occlusion, and faces below about 3 % of the image's longer",
        "side are often missed. No claim is made about groups of people: measure it on your own data.",
    ]
