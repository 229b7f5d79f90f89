"""Runs written by hand: every kind of value, missing value and image in a report, and names that contain markup."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gath_bench.contracts.metric import Summary
from gath_bench.results import CellRecord, Manifest, MetricRecord, Observations, ShardStore
from gath_bench.results.images import IMAGES, ImageStore, inputs_name

SCRIPT = "<script>document.title='owned'</script>"
#: Name -> how far the model stays from the target (0: the target itself), and its speed.
MODELS = {
    "oracle": (0.0, 900.0),
    "copy-source": (1.0, 800.0),
    "good": (0.3, 50.0),
    f"fast{SCRIPT}": (0.6, 300.0),
    "slow": (0.7, 20.0),
}
AUS = ("AU01", "AU12")
SAMPLES = 24
SIDE = 16


def _record(name: str, *summaries: Summary, system: bool = False) -> MetricRecord:
    return MetricRecord(name, f"{name}@1", [], system, True, 1e-5, "{:.3f}", list(summaries))


def _pair(name: str) -> tuple[str, str]:
    return f"{name}.measured", f"{name}.requested"


PSNR = _record("psnr", Summary("psnr", "higher", "dB"))
LPIPS = replace(_record("lpips", Summary("lpips", "lower")), evaluators=["trunk@1#aabbccdd"])
ERROR = _record(
    "au-error",
    Summary("au-error.mae", "lower", "AU coefficient", 0, 1, "mae", _pair("au-error"), per_au=True),
    Summary("au-error.pcc", "higher", "", -1, 1, "pcc", _pair("au-error"), per_au=True),
)
CONTROL = _record(
    "au-control",
    Summary("au-control.slope", "none", reducer="slope", inputs=_pair("au-control"), per_au=True),
    Summary("au-control.leakage", "lower", "AU coefficient", 0, 1, per_au=True),
)
SPEED = _record(
    "throughput",
    Summary(
        "throughput.images_per_s", "higher", "images/s", reducer="median", inputs=("throughput.images_per_s",)
    ),
    system=True,
)
PROTOCOLS = {"same-subject": [PSNR, LPIPS, ERROR, SPEED], "sweep": [CONTROL]}


def sample_ids() -> list[str]:
    """The first one contains markup."""
    return [f"s00{SCRIPT}", *(f"s{number:02d}" for number in range(1, SAMPLES))]


def images_of(seed: int) -> NDArray[np.uint8]:
    """Smooth random pictures, one a sample."""
    coarse = np.random.default_rng(seed).integers(40, 200, (SAMPLES, 4, 4, 3))
    return coarse.repeat(SIDE // 4, 1).repeat(SIDE // 4, 2).astype(np.uint8)


def write_run(
    folder: Path, *, models: tuple[str, ...] = tuple(MODELS), images: bool = True, seed: int = 0
) -> Path:
    """A run folder as the engine leaves it."""
    rng = np.random.default_rng(seed)
    store, kept = ShardStore(folder / "samples"), ImageStore(folder / IMAGES)
    cells = []
    for protocol, records in PROTOCOLS.items():
        for model in models:
            far, speed = MODELS[model]
            cell = CellRecord(
                f"{len(cells):03d}-cell",
                model,
                f"m{list(MODELS).index(model)}@1#ab",
                model == "oracle",
                ["teacher@1#aabbccdd"] if model == "good" else [],
                "faces",
                "faces@1#12",
                "synthetic",
                "test",
                protocol,
                SAMPLES,
                [record.name for record in records],
                "ok",
                1.5,
            )
            cells.append(cell)
            rows = Observations()
            for record in records:
                _measure(rows, cell.cell_id, record, far, speed, rng, hostile=model == "slow")
            store.write(cell.cell_id, rows, [0])
            if images and protocol == "same-subject":
                generated = far * images_of(1).astype(float) + (1 - far) * images_of(2)
                kept.write(cell.cell_id, 0, sample_ids(), generated.round().astype(np.uint8))
    if images:
        for side, number in (("source", 1), ("target", 2)):
            kept.write(inputs_name("faces", "same-subject", side), 0, sample_ids(), images_of(number))  # type: ignore[arg-type]
    Manifest(
        status="finished",
        command=["gath-bench", "run", "my suite.toml"],
        suite={"name": f"toys{SCRIPT}"},
        references={"oracle": "oracle", "copy_source": "copy-source"},
        seed=0,
        device="cpu",
        batch_size=SAMPLES,
        created="2026-01-01T00:00:00+00:00",
        environment={"packages": {"torch": "2.9.0"}},
        skipped=[],
        metrics=[*PROTOCOLS["same-subject"], CONTROL],
        cells=cells,
    ).write(folder)
    return folder


def _measure(
    rows: Observations,
    cell: str,
    record: MetricRecord,
    far: float,
    speed: float,
    rng: np.random.Generator,
    hostile: bool,
) -> None:
    if record is SPEED:
        for number in range(5):
            name = f"repeat-{number}"
            rows.add(
                cell=cell,
                batch=-1,
                position=number,
                sample_id=name,
                subject=name,
                metric=record.name,
                observation="throughput.images_per_s",
                value=speed * float(rng.uniform(0.95, 1.05)),
            )
        return
    for position, sample in enumerate(sample_ids()):
        common = {
            "cell": cell,
            "batch": 0,
            "position": position,
            "sample_id": sample,
            "subject": f"p{position // 2}",
            "metric": record.name,
        }
        noise = float(rng.uniform(0, 0.02))
        level = position % 3 / 2
        if record is PSNR:
            rows.add(**common, observation="psnr", value=40 - 20 * far - position / 10)
        elif record is LPIPS and hostile and position < 2:
            rows.add(**common, observation="lpips", status="na", reason=f"no face: {SCRIPT}")
        elif record is LPIPS:
            rows.add(**common, observation="lpips", value=far * (0.5 + noise))
        elif record is ERROR:
            for number, au in enumerate(AUS):
                rows.add(
                    **common, observation="au-error.measured", au=au, value=level * (1 - far) + number * noise
                )
                rows.add(**common, observation="au-error.requested", au=au, value=level)
        else:
            au = AUS[position // 3 % 2]
            rows.add(**common, observation="au-control.measured", au=au, value=level * (1 - far))
            rows.add(**common, observation="au-control.requested", au=au, value=level)
            rows.add(**common, observation="au-control.leakage", au=au, value=0.1 * far * noise)
