"""The model card of trained weights: every number in it was measured by the training that wrote it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gath.cost import StageCost, cost_table
from gath.progress import LOG, clock

#: What the validation's curve shows, where it was measured.
_CURVE = (
    "au-error.mae", "au-error.pcc", "changed-error", "background-psnr", "identity.normalised", "ssim"
)  # fmt: skip
#: What the training's curve shows, and in how many lines.
_TRAINING, _LINES = ("loss", "au", "au_mae", "identity", "cycle", "mask", "d_real", "d_fake"), 8


def model_card(
    facts: Mapping[str, Any], estimator: Mapping[str, Any], costs: Sequence[StageCost], folder: Path
) -> str:
    """Markdown.

    Args:
        facts: what stands in the weights' JSON file.
        estimator: what E's file says about itself.
        costs: of the configuration on this machine.
        folder: the run folder, whose log holds the curves.
    """
    config, machine = facts["config"], facts["machine"]
    mae, pcc = (estimator.get(name) for name in ("mae", "pcc"))
    log = [json.loads(line) for line in (folder / LOG).read_text(encoding="utf-8").splitlines()]
    device = machine["gpu"] or f"{machine['cpu']}, {machine['threads']} of {machine['cores']} cores"
    return "\n".join(
        [
            f"# {config['model']}: model card",
            "",
            "| | |",
            "|---|---|",
            f"| file | `{facts['file']}`, SHA-256 `{facts['sha256'][:16]}` |",
            f"| command | `{' '.join(facts['command'])}` |",
            *(
                f"| from step {later['step']} | `{' '.join(later['command'])}` |"
                for later in facts.get("then", ())
            ),
            f"| code | commit {facts['commit']} |",
            f"| seed | {facts['seed']} |",
            f"| data | `{facts['data_name']}`, fingerprint `{facts['data'][:16]}` |",
            f"| resolution, AU space | {config['resolution']} px, {config['au_space']} |",
            f"| steps of G | {facts['steps']}, batches of {config['generator']['batch_size']} |",
            f"| hardware | {device}, torch {machine['torch']} |",
            f"| wall time of this run | {clock(facts['seconds'])} |",
            f"| taught by | {', '.join(f'`{key}`' for key in facts['trained_against'])} |",
            *([f"| E on people of the validation split | MAE {mae:.3f}, PCC {pcc:.3f} |"] if mae else []),
            "",
            "It was trained on that data alone; what it makes of other pictures is another question.",
            "",
            "## Validation by the suite's own metrics",
            "",
            *_table([line for line in log if line["stage"] == "validation"], _CURVE),
            "",
            "## Training losses",
            "",
            *_table(_spread([line for line in log if line["stage"] == "generator"]), _TRAINING),
            "",
            "## What a step costs",
            "",
            "Measured when the training ended, on noise; the peak is that of a large matrix product.",
            "",
            *cost_table(costs),
            "",
        ]
    )


def _spread(lines: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """A few of the lines, evenly, the last among them."""
    count = min(_LINES, len(lines))
    return [lines[(i + 1) * len(lines) // count - 1] for i in range(count)]


def _table(lines: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> list[str]:
    shown = [name for name in columns if any(name in line for line in lines)]
    if not shown:
        return ["Not measured."]
    rows = {line["step"]: line for line in lines}  # a resumed training may have measured a step twice
    return [
        f"| step | {' | '.join(shown)} |",
        f"|{'---|' * (1 + len(shown))}",
        *(
            f"| {step} | " + " | ".join(f"{line[name]:.3f}" if name in line else "-" for name in shown) + " |"
            for step, line in rows.items()
        ),
    ]
