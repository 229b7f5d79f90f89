"""Streaming of 10,000 images: memory does not grow, and training on the CPU does not wait for data.

``pytest -m slow tests/data_sets/test_streaming.py -s`` prints the figures of docs/datasets.md.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from data_sets.test_conformance import named
from data_sets.trees import FACS, image_bytes, put_text

from gath_bench.cli.main import cli

#: Images of the tree, two per sequence, and their side in pixels.
IMAGES, SIDE = 10_000, 96
#: Growth of the resident memory that is not a leak: buffers of the allocator and of the decoder.
SLACK_MB = 24


def resident_mb() -> float:
    """Resident memory of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """CK+ with 10,000 images: 100 subjects with 50 sequences of 2 frames. 64 pictures, repeated."""
    root = tmp_path_factory.mktemp("ck")
    pictures = [image_bytes(seed, ".png", SIDE) for seed in range(64)]
    for number in range(IMAGES // 2):
        sequence = f"S{number // 50:03d}/{number % 50:03d}"
        stem = sequence.replace("/", "_")
        folder = root / "cohn-kanade-images" / sequence
        folder.mkdir(parents=True)
        for frame in (1, 2):
            picture = pictures[(2 * number + frame) % len(pictures)]
            (folder / f"{stem}_{frame:08d}.png").write_bytes(picture)
        put_text(root / "FACS" / sequence / f"{stem}_{2:08d}_facs.txt", *FACS)
    return root


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux's /proc")
@pytest.mark.parametrize("stream", ["stills", "load"])
def test_memory_is_constant_over_10000_images(tree: Path, stream: str) -> None:
    dataset = named("ck-plus")(tree)
    # A sample of `load` is two images.
    batch, read = (25, 50) if stream == "load" else (50, 50)
    after: dict[int, float] = {}
    samples = dataset.samples("train", "same-subject", 0)
    batches = None if stream == "load" else dataset.stills(batch_size=batch, seed=0)
    started = time.monotonic()
    for step in range(1, IMAGES // read + 1):
        if batches is None:
            at = step * batch % (len(samples) - batch)
            dataset.load(samples[at : at + batch])
        else:
            next(batches)
        after[step * read] = resident_mb()
    seconds = time.monotonic() - started
    if batches is not None:
        batches.close()
    print(
        f"\n{stream}: {after[1000]:.0f} MB after 1,000 images, {after[IMAGES]:.0f} MB after {IMAGES:,}; "
        f"{IMAGES / seconds:.0f} images/s"
    )
    assert after[IMAGES] - after[1000] < SLACK_MB


@pytest.mark.slow
def test_training_does_not_wait_for_data(tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`tiny-warp` on the endless streams of clips and stills: the time in `EndlessSource.batch`, per step."""
    from gath.training.data import EndlessSource

    waits: dict[str, list[float]] = {}
    ends: list[float] = []
    batch = EndlessSource.batch

    def timed(self: EndlessSource, step: int, size: int, rng: torch.Generator) -> object:
        started = time.monotonic()
        result = batch(self, step, size, rng)
        ends.append(time.monotonic())
        waits.setdefault(self.stream, []).append(ends[-1] - started)
        return result

    monkeypatch.setattr(EndlessSource, "batch", timed)
    steps = ["estimator.steps=20", "classifier.steps=20", "generator.steps=40", "validation.every=0"]
    settings = ["data.clips=0", "data.stills=0", "sample_every=1000", "checkpoint_every=1000", *steps]
    arguments = ["train", "-c", "tiny-warp", "-d", f"ck-plus[root={tree},size=64,crop=centre]"]
    arguments += [word for setting in settings for word in ("--set", setting)]
    started = time.monotonic()
    result = CliRunner().invoke(cli, [*arguments, "--output", str(tmp_path / "run")])
    assert result.exit_code == 0, result.output
    # The first batch of each stream fills the queue; a stage that follows finds it full.
    waited = sum(sum(times[1:]) for times in waits.values())
    total = ends[-1] - started - sum(times[0] for times in waits.values())
    print(
        f"\nwaited {waited:.2f} s of {total:.1f} s: {waited / total:.1%} ({ {k: len(v) for k, v in waits.items()} })"
    )
    assert waited / total < 0.1
