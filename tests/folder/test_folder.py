"""Folder against folder: numbers equal those of independent packages, and nothing is dropped silently."""

from __future__ import annotations

import json
import shlex
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from gath_datasets.folder import Folder
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

import gath_bench as gb
from gath_bench.cli.main import cli
from gath_bench.contracts import DatasetAdapter
from gath_bench.errors import UsageError
from gath_bench.plugins import PluginWarning

SIDE = 48


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def picture(seed: int, noise: int = 0, side: int = SIDE) -> np.ndarray:
    """A smooth picture; with noise, the same one with another few steps per pixel."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (6, 6, 3)).astype(np.uint8))
    pixels = np.asarray(coarse.resize((side, side), Image.Resampling.BICUBIC)).astype(int)
    if noise:
        pixels = pixels + np.random.default_rng(seed + 1000).integers(-noise, noise + 1, pixels.shape)
    return pixels.clip(0, 255).astype(np.uint8)


def write(folder: Path, images: dict[str, np.ndarray]) -> None:
    folder.mkdir()
    for name, pixels in images.items():
        Image.fromarray(pixels).save(folder / name)


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Targets a to f; outputs of the same names without f, and an image more."""
    names = ["a", "b b", "c.1", "d", "e", "f"]
    write(tmp_path / "A", {f"{name}.png": picture(seed) for seed, name in enumerate(names)})
    outputs = {f"{name}.png": picture(seed, 20) for seed, name in enumerate(names[:-1])}
    write(tmp_path / "B", {**outputs, "unknown.png": picture(9)})
    return tmp_path / "A", tmp_path / "B"


def test_one_line_gives_the_numbers_of_independent_packages(folders, tmp_path: Path) -> None:
    targets, outputs = folders
    with pytest.warns(PluginWarning, match=r"1 image without a sample: unknown\.png"):
        results = gb.evaluate(
            datasets=[f"folder[targets={targets},domain=synthetic]"],
            models=[f"precomputed[root={outputs}]"],
            metrics=["ssim", "psnr", "lpips", "frechet-distance[reference=source]"],
            device="cpu",
        )
    pairs = [
        (np.asarray(Image.open(outputs / path.name)), np.asarray(Image.open(path)))
        for path in sorted(targets.iterdir())
        if (outputs / path.name).exists()
    ]
    assert len(pairs) == 5
    ssim = [
        structural_similarity(
            a / 255,
            b / 255,
            channel_axis=2,
            data_range=1.0,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
        )
        for a, b in pairs
    ]
    psnr = [peak_signal_noise_ratio(b / 255, a / 255, data_range=1.0) for a, b in pairs]
    lpips = distance_of_the_package(pairs)
    summary = results.to_summary()
    rows = summary[summary["model"].str.startswith("precomputed")].set_index("metric")
    for name, expected in (("ssim", ssim), ("psnr", psnr), ("lpips", lpips)):
        assert rows.loc[name, "value"] == pytest.approx(np.mean(expected), abs=1e-5), name
        assert (rows.loc[name, "n"], rows.loc[name, "reason"]) == (
            5,
            "precomputed: no image of this sample in the folder",
        )
    assert rows.loc["frechet-distance", "reason"] == "no source image"
    copied = summary[summary["model"] == "copy-source"]
    assert set(copied["status"]) == {"na"}
    assert set(copied["reason"]) == {"the data set has no source portraits"}
    perfect = summary[(summary["model"] == "oracle") & (summary["metric"] == "ssim")]
    assert perfect["value"].item() == 1


def distance_of_the_package(pairs) -> list[float]:
    """``lpips.LPIPS(lpips=False)`` on the feature maps of the bundled trunk."""
    import lpips as package

    trunk = gb.load_component("perceptual_trunk", "synthfaces")

    def maps(pixels: np.ndarray) -> tuple[torch.Tensor, ...]:
        image = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float() / 255
        return trunk(image).values

    return [
        sum(
            float(
                package.spatial_average(
                    ((package.normalize_tensor(x) - package.normalize_tensor(y)) ** 2).sum(1, keepdim=True)
                )
            )
            for x, y in zip(maps(a), maps(b), strict=True)
        )
        for a, b in pairs
    ]


def test_the_command_prints_one_table(folders, tmp_path: Path) -> None:
    targets, outputs = folders
    line = f"run -d 'folder[targets={targets}]' -m 'precomputed[root={outputs}]' -M psnr --json --device cpu"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = CliRunner().invoke(cli, [*shlex.split(line), "--output", str(tmp_path / "run")])
    assert result.exit_code == 0, result.output
    printed = json.loads(result.stdout)
    assert json.dumps(printed).count("precomputed: no image of this sample in the folder")


def test_sources_are_matched_by_name(folders, tmp_path: Path) -> None:
    targets, _ = folders
    write(tmp_path / "C", {"a.png": picture(50), "d.png": picture(51)})
    dataset = Folder(targets=targets, sources=tmp_path / "C")
    assert isinstance(dataset, DatasetAdapter)
    batch = dataset.load(dataset.samples("test", "same-subject", 0))
    assert batch.sample_id == ("a", "d")
    assert {item.reason for item in batch.unreadable} == {"there is no source portrait of that name"}
    assert dataset.info.has_source
    assert torch.equal(batch.source[0] * 255, torch.from_numpy(picture(50).copy()).permute(2, 0, 1).float())
    assert batch.target_aus.isnan().all()


def test_other_sizes_are_na_or_resized(folders, tmp_path: Path) -> None:
    targets, _ = folders
    Image.fromarray(picture(5, side=32)).save(targets / "f.png")
    Image.fromarray(picture(4)[:, :40]).save(targets / "e.png")
    dataset = Folder(targets=targets)
    reasons = {
        item.sample_id: item.reason
        for item in dataset.load(dataset.samples("test", "same-subject", 0)).unreadable
    }
    assert reasons["f"].startswith("f.png is 32x32, and the first image is 48x48")
    assert reasons["e"] == "e.png is 40x48, not square: crop both folders"
    resized = Folder(targets=targets, size=24)
    batch = resized.load(resized.samples("test", "same-subject", 0))
    assert batch.source.shape == (5, 3, 24, 24)
    assert resized.fingerprint != dataset.fingerprint


def test_subjects_and_bad_folders(folders, tmp_path: Path) -> None:
    targets, _ = folders
    listed = tmp_path / "subjects.csv"
    listed.write_text(
        "file,subject\n" + "".join(f"{path.name},person\n" for path in sorted(targets.iterdir()))
    )
    samples = Folder(targets=targets, subjects=listed).samples("test", "same-subject", 0)
    assert {sample.subject for sample in samples} == {"person"}
    listed.write_text("file,subject\na.png,person\n")
    with pytest.raises(UsageError, match=r"names no subject for b b\.png"):
        Folder(targets=targets, subjects=listed)
    listed.write_text("file,subject\na.png\n")
    with pytest.raises(UsageError, match="line 2 has 1 cells under 2 column names"):
        Folder(targets=targets, subjects=listed)
    with pytest.raises(UsageError, match="there is no folder"):
        Folder(targets=tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="holds no images"):
        Folder(targets=tmp_path / "empty")
    Image.fromarray(picture(0)).save(targets / "a.jpg")
    with pytest.raises(UsageError, match=r"two images of sample a, a\.jpg and a\.png"):
        Folder(targets=targets)
