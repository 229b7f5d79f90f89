"""The model card: where the weights come from, and how good they are. Every number is measured, none is typed."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from gath_bench import __version__
from gath_bench.au import get_space
from gath_bench.contracts import file_hash
from gath_estimators.quality import AUQuality, Verification

CARD = "card.md"


@dataclass(frozen=True)
class Report:
    """What the card tells.

    Attributes:
        options: of the training.
        pool: the training data's fingerprint.
        au_space: of the AU estimator.
        minutes: wall time of each lesson.
        aus: name of a stress -> the AU estimator's quality under it; the first is the plain one.
        people: name of a stress -> the identity encoder's quality under it.
        paint: kind of paint -> error of painted, unmoved faces over the error of unpainted ones.
        files: the weights files.
        ancestor: SHA-256 of the AU weights that were trained on, while the other networks were taken over; None
            where all began from nothing.
    """

    options: Mapping[str, object]
    pool: str
    au_space: str
    minutes: Mapping[str, float]
    aus: Mapping[str, AUQuality]
    people: Mapping[str, Verification]
    paint: Mapping[str, float]
    files: list[str]
    ancestor: str | None = None


def write_card(folder: Path, report: Report) -> Path:
    """Write ``card.md`` into the folder of the weights."""
    path = folder / CARD
    path.write_text("\n".join(_lines(folder, report)) + "\n", encoding="utf-8")
    return path


def _lines(folder: Path, report: Report) -> list[str]:
    options = report.options
    command = (
        f"gath-bench train-evaluators --dataset {options['dataset']} --images {options['images']} "
        f"--au-steps {options['au_steps']} --steps {options['steps']} --seed {options['seed']} "
        f"--device {options['device']}"
    )
    if report.ancestor:
        command += f" --refine {options['refine']}"
    first = next(iter(report.aus.values()))
    minutes = ", ".join(f"{name} {value:.0f}" for name, value in report.minutes.items())
    labels = get_space(report.au_space).labels
    return [
        "# Bundled evaluators: model card",
        "",
        "Written by the command below. AU estimator (an ensemble of two families), identity encoder and perceptual",
        "trunk for the domain `synthetic`. They say nothing about photographs, and answer NA there.",
        "",
        "| | |",
        "|---|---|",
        f"| command | `{command}` |",
        f"| code | gath-bench {__version__}, commit {_commit()} |",
        f"| training data | fingerprint `{report.pool[:16]}`; people in no evaluated split, in no training stream |",
        f"| hardware | {_hardware()} |",
        f"| minutes of training | {minutes} |",
        *(
            [
                f"| trained on from | AU weights of SHA-256 `{report.ancestor[:16]}`; identity encoder and trunk are "
                "taken over from the same folder |"
            ]
            if report.ancestor
            else []
        ),
        *(
            f"| `{name}` | {(folder / name).stat().st_size / 1e6:.1f} MB, SHA-256 `{file_hash(folder / name)[:16]}` |"
            for name in report.files
        ),
        "",
        "All that follows is measured on people whom no training meets, with the weights as written.",
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
        "Error of painted, unmoved faces over the error of the same faces unpainted (1 = paint gains nothing):",
        "",
        *(f"- {kind}: {value:.3f}" for kind, value in report.paint.items()),
        "",
        "## Identity encoder",
        "",
        "Pairs of images share no scene, and have unlike expressions; how many are told apart stands below.",
        "",
        "## Robustness",
        "",
        "| pictures | mean PCC | mean MAE | AUC | EER | accepted at FAR 1e-3 | impostor mean | threshold |",
        "|---|---|---|---|---|---|---|---|",
        *(
            f"| {name} | {q.pcc.mean():.3f} | {q.mae.mean():.3f} | {v.auc:.4f} | {v.eer:.4f} | {v.accepted:.3f} "
            f"| {v.impostor_mean:.3f} | {v.threshold:.3f} |"
            for (name, q), v in zip(report.aus.items(), report.people.values(), strict=True)
        ),
    ]


def _hardware() -> str:
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else platform.processor() or "CPU"
    return f"{device}, {os.cpu_count()} cores, {platform.machine()}, torch {torch.__version__}"


def _commit() -> str:
    """The checkout's commit, with a mark if it was changed; "unknown" outside a checkout."""
    here = Path(__file__).parent
    try:
        name = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--exclude=*"], cwd=here, capture_output=True, text=True,
            check=True,
        )  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return name.stdout.strip()
