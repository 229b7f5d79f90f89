"""The commands `export` and `show`."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch
from click.testing import CliRunner
from gath_datasets.synthfaces import AU_LABELS
from gath_datasets.synthfaces.adapter import SynthFaces
from gath_datasets.synthfaces.commands import synthfaces
from gath_datasets.synthfaces.samples import plan
from PIL import Image


def test_importing_the_package_does_not_import_torch() -> None:
    code = "import sys, gath_datasets.synthfaces, gath_datasets.synthfaces.commands; print('torch' in sys.modules)"
    paths = ":".join(sys.path)
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONPATH": paths}
    )
    assert out.stdout.strip() == "False"


def test_export_equals_what_is_loaded(tmp_path: Path, data: SynthFaces) -> None:
    folder = tmp_path / "faces"
    result = CliRunner().invoke(synthfaces, ["export", str(folder), "--subjects", "2", "--size", "64"])
    assert result.exit_code == 0, result.output
    rows = list(csv.DictReader((folder / "samples.csv").open(encoding="utf-8")))
    assert list(rows[0]) == ["sample_id", "subject", "source_image", "target_image", *AU_LABELS]
    batch = data.load(plan("test", "same-subject", 0, subjects=2))
    for i, row in enumerate(rows):
        for name, images in (("source_image", batch.source), ("target_image", batch.target)):
            assert images is not None
            pixels = np.asarray(Image.open(folder / row[name]))
            assert (torch.from_numpy(pixels.copy()).permute(2, 0, 1) == (images[i] * 255).round()).all()
    again = CliRunner().invoke(synthfaces, ["export", str(folder), "--subjects", "2", "--size", "64"])
    assert again.exit_code == 2
    assert "not empty" in again.output


def test_show_writes_a_contact_sheet(tmp_path: Path) -> None:
    path = tmp_path / "sheet.png"
    result = CliRunner().invoke(
        synthfaces, ["show", "-o", str(path), "--rows", "1", "--columns", "3", "--size", "64"]
    )
    assert result.exit_code == 0, result.output
    assert Image.open(path).size == (192, 64)
    wrong = CliRunner().invoke(
        synthfaces, ["show", "-o", str(tmp_path / "sheet.xyz"), "--rows", "1", "--columns", "1"]
    )
    assert wrong.exit_code == 2


def test_glossary_shows_each_au_alone(tmp_path: Path) -> None:
    """Three faces per AU; the first is the same neutral face in all images, and the last differs most from it."""
    result = CliRunner().invoke(synthfaces, ["glossary", str(tmp_path / "aus"), "--size", "64"])
    assert result.exit_code == 0, result.output
    neutral = None
    for label in AU_LABELS:
        pixels = np.asarray(Image.open(tmp_path / "aus" / f"{label}.jpg")).astype(float)
        assert pixels.shape == (64, 192, 3)
        first, half, full = (pixels[:, 64 * i : 64 * (i + 1)] for i in range(3))
        neutral = first if neutral is None else neutral
        assert np.abs(first - neutral).mean() < 1  # JPEG
        assert np.abs(full - first).mean() > np.abs(half - first).mean() > 0
