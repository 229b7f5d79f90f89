"""The model card of trained evaluators: provenance and measured quality."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from gath_bench import __version__
from gath_bench.au import get_space
from gath_bench.contracts import file_hash
from gath_bench.files import write_text
from gath_bench.git import source_state
from gath_estimators.quality import AUQuality, Verification

CARD = "card.md"


@dataclass(frozen=True)
class CardContent:
    """What the card states.

    Attributes:
        options: the options of the training.
        pool: fingerprint of the training data.
        au_space: AU space of the estimator.
        minutes: wall time of each training.
        aus: name of a perturbation -> quality of the AU estimator; the first is the unmodified one.
        verification: name of a perturbation -> quality of the identity encoder.
        paint: kind of paint -> error on painted faces over the error on the same faces without paint.
        files: the weights files.
        refined_from: SHA-256 of the AU weights that the training started from; None for a training from random
            weights.
    """

    options: Mapping[str, object]
    pool: str
    au_space: str
    minutes: Mapping[str, float]
    aus: Mapping[str, AUQuality]
    verification: Mapping[str, Verification]
    paint: Mapping[str, float]
    files: list[str]
    refined_from: str | None = None


def write_card(folder: Path, content: CardContent) -> Path:
    """Write ``card.md`` into the folder of the weights."""
    path = folder / CARD
    write_text(path, "\n".join(_lines(folder, content)) + "\n")
    return path


def _lines(folder: Path, content: CardContent) -> list[str]:
    options = content.options
    command = (
        f"gath-bench train-evaluators --dataset {options['dataset']} --images {options['images']} "
        f"--au-steps {options['au_steps']} --steps {options['steps']} --seed {options['seed']} "
        f"--device {options['device']}"
    )
    if content.refined_from:
        command += f" --refine {options['refine']}"
    first = next(iter(content.aus.values()))
    minutes = ", ".join(f"{name} {value:.0f}" for name, value in content.minutes.items())
    labels = get_space(content.au_space).labels
    return [
        "# Bundled evaluators: model card",
        "",
        "Written by the command below. AU estimator (an ensemble of two architectures), identity encoder and",
        "perceptual trunk for the domain `synthetic`. `validation.json` states what is valid on photographs.",
        "",
        "| | |",
        "|---|---|",
        f"| command | `{command}` |",
        f"| code | gath-bench {__version__}, commit {source_state(__file__)} |",
        f"| training data | fingerprint `{content.pool[:16]}`; people in no evaluated split, in no training stream |",
        f"| hardware | {_hardware()} |",
        f"| minutes of training | {minutes} |",
        *(
            [
                f"| refined from | AU weights with SHA-256 `{content.refined_from[:16]}`; identity encoder and trunk "
                "are copied from the same folder |"
            ]
            if content.refined_from
            else []
        ),
        *(
            f"| `{name}` | {(folder / name).stat().st_size / 1e6:.1f} MB, SHA-256 `{file_hash(folder / name)[:16]}` |"
            for name in content.files
        ),
        "",
        "The values below are measured on held-out people, with the weights as written.",
        "",
        "## AU estimator",
        "",
        f"Mean over AUs: PCC {first.pcc.mean():.3f}, ICC(3,1) {first.icc.mean():.3f}, MAE {first.mae.mean():.3f}; "
        f"lowest PCC {first.pcc.min():.3f} ({labels[int(first.pcc.argmin())]}).",
        "",
        "| AU | PCC | ICC(3,1) | MAE |",
        "|---|---|---|---|",
        *(
            f"| {label} | {first.pcc[i]:.3f} | {first.icc[i]:.3f} | {first.mae[i]:.3f} |"
            for i, label in enumerate(labels)
        ),
        "",
        "Error on painted faces over the error on the same faces without paint (1 = paint gains nothing):",
        "",
        *(f"- {kind}: {value:.3f}" for kind, value in content.paint.items()),
        "",
        "## Identity encoder",
        "",
        "Verification over pairs of images of different scenes and expressions: AUC, EER, and the share of genuine",
        "pairs that are accepted at a false accept rate (FAR) of 1e-3.",
        "",
        "## Robustness",
        "",
        "| images | mean PCC | mean MAE | AUC | EER | accepted at FAR 1e-3 | impostor mean | threshold |",
        "|---|---|---|---|---|---|---|---|",
        *(
            f"| {name} | {q.pcc.mean():.3f} | {q.mae.mean():.3f} | {v.auc:.4f} | {v.eer:.4f} | {v.accepted:.3f} "
            f"| {v.impostor_mean:.3f} | {v.threshold:.3f} |"
            for (name, q), v in zip(content.aus.items(), content.verification.values(), strict=True)
        ),
    ]


def _hardware() -> str:
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else platform.processor() or "CPU"
    return f"{device}, {os.cpu_count()} cores, {platform.machine()}, torch {torch.__version__}"
