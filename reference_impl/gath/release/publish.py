"""Writing a trained generator: the weights file, its facts as JSON, and its model card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import nn

from gath.config import Config
from gath.release.card import model_card
from gath.release.weights_file import save_weights
from gath_bench.contracts import file_hash
from gath_bench.files import write_json, write_text
from gath_bench.perf import describe_machine


def publish(
    networks: Mapping[str, nn.Module],
    config: Config,
    folder: Path,
    *,
    device: str,
    facts: Mapping[str, Any],
    estimator: Mapping[str, Any],
    records: Sequence[Mapping[str, Any]],
    costs: Sequence[str],
) -> Path:
    """Write ``<model>.safetensors`` (half precision), its facts as ``.json`` and its card as ``.md``.

    Args:
        networks: ``generator`` and ``estimator``.
        config: of the training.
        folder: the run folder.
        device: of the training.
        facts: what else is known of the training, the keys of E and C and of the estimators of the AU labels as
            ``trained_against`` among it; those of the labels alone are ``labelled_by``.
        estimator: the metadata of E's weights file.
        records: the lines of the training log.
        costs: the lines of the cost table.

    Returns:
        The path of the weights file.
    """
    path = folder / f"{config.model}.safetensors"
    about = {"config": config.model_dump(mode="json"), "trained_against": facts["trained_against"]}
    if "labelled_by" in facts:
        about["labelled_by"] = facts["labelled_by"]
    save_weights(path, networks, about, half=True)
    complete = {
        "file": path.name,
        "sha256": file_hash(path),
        **facts,
        "config": about["config"],
        "machine": describe_machine(device),
    }
    write_json(path.with_suffix(".json"), complete)
    write_text(path.with_suffix(".md"), model_card(complete, estimator, records, costs))
    return path
