"""The model card of trained weights. Every number in it was measured by the training that wrote it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gath.durations import format_duration

#: Columns of the validation table, where they were measured.
_VALIDATION = (
    "au-error.mae",
    "au-error.pcc",
    "changed-error",
    "background-psnr",
    "identity.normalised",
    "ssim",
)
#: Columns of the table of losses, where they exist, and its number of lines.
_LOSSES, _LINES = ("g_loss", "d_loss", "au", "au_mae", "identity", "cycle", "mask", "d_real", "d_fake"), 8


def model_card(
    facts: Mapping[str, Any],
    estimator: Mapping[str, Any],
    records: Sequence[Mapping[str, Any]],
    costs: Sequence[str],
) -> str:
    """The card as Markdown.

    Args:
        facts: the content of the weights' JSON file.
        estimator: the metadata of E's weights file.
        records: the lines of the training log.
        costs: the lines of the cost table.
    """
    config, machine = facts["config"], facts["machine"]
    mae, pcc = (estimator.get(name) for name in ("mae", "pcc"))
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
            *(
                [f"| stills | `{facts['stills_name']}`, fingerprint `{facts['stills'][:16]}` |"]
                if "stills" in facts
                else []
            ),
            *(
                [f"| AUs without labels, which it has not learned | {', '.join(facts['unlabelled'])} |"]
                if "unlabelled" in facts
                else []
            ),
            *(
                [f"| AU labels by | {', '.join(f'`{key}`' for key in facts['labelled_by'])} |"]
                if "labelled_by" in facts
                else []
            ),
            f"| resolution, AU space | {config['resolution']} px, {config['au_space']} |",
            f"| steps of G | {facts['steps']}, batches of {config['generator']['batch_size']} |",
            f"| hardware | {device}, torch {machine['torch']} |",
            f"| wall time of this run | {format_duration(facts['seconds'])} |",
            f"| trained against | {', '.join(f'`{key}`' for key in facts['trained_against'])} |",
            *([f"| E on people of the validation split | MAE {mae:.3f}, PCC {pcc:.3f} |"] if mae else []),
            "",
            "It was trained on this data only. The table says nothing about other images.",
            "",
            "## Validation by the metrics of the benchmark",
            "",
            *_table([record for record in records if record["stage"] == "validation"], _VALIDATION),
            "",
            "## Training losses",
            "",
            *_table(_sample([record for record in records if record["stage"] == "generator"]), _LOSSES),
            "",
            "## Cost of a step",
            "",
            "Measured at the end of the training, on noise; the peak is that of a large matrix product.",
            "",
            *costs,
            "",
        ]
    )


def _sample(records: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Evenly spaced records; the last one is always included."""
    count = min(_LINES, len(records))
    return [records[(i + 1) * len(records) // count - 1] for i in range(count)]


def _table(records: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> list[str]:
    shown = [name for name in columns if any(name in record for record in records)]
    if not shown:
        return ["Not measured."]
    lines = [f"| step | {' | '.join(shown)} |", f"|{'---|' * (1 + len(shown))}"]
    by_step = {record["step"]: record for record in records}  # a resumed training can measure a step twice
    for step, record in by_step.items():
        cells = [f"{record[name]:.3f}" if name in record else "-" for name in shown]
        lines.append(f"| {step} | {' | '.join(cells)} |")
    return lines
