"""Validate the portraits with independent networks, MediaPipe Face Landmarker and MobileFaceNet.

    GATH_BENCH_WEIGHTS=folder python tests/synthfaces/judge.py MEASURE...

prints measurements (found, sweeps, identity, diversity, speed, compiled, histograms) as JSON. ``--seed`` selects other
subjects: the values in ``docs/synthfaces.md`` are of seeds that were not used for tuning. ``sweeps --model NAME``
measures the images that a model generates from the neutral portraits instead.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

if __name__ == "__main__":
    root = Path(__file__).resolve().parents[2]
    sys.path[:0] = [str(root), str(root / "plugins"), str(root / "reference_impl"), str(root / "tests")]

from gath_datasets.synthfaces import AU_LABELS
from gath_datasets.synthfaces.rand import derive
from gath_datasets.synthfaces.render import Rendered, render
from gath_datasets.synthfaces.samples import random_aus
from gath_datasets.synthfaces.scene import Scenes, draw_scenes
from gath_datasets.synthfaces.splits import subject_seeds
from gath_datasets.synthfaces.subject import Subjects, attributes, draw_subjects
from synthfaces.evaluators import Encoder, Landmarker

from gath_bench.cli.context import Context
from gath_bench.images import resize, to_8bit

#: Blendshapes that correspond to an AU; they are averaged.
MATCHING = {
    "AU01": ("browInnerUp",),
    "AU02": ("browOuterUpLeft", "browOuterUpRight"),
    "AU04": ("browDownLeft", "browDownRight"),
    "AU05": ("eyeWideLeft", "eyeWideRight"),
    "AU06": ("eyeSquintLeft", "eyeSquintRight"),
    "AU07": ("eyeSquintLeft", "eyeSquintRight"),
    "AU10": ("mouthUpperUpLeft", "mouthUpperUpRight"),
    "AU12": ("mouthSmileLeft", "mouthSmileRight"),
    "AU15": ("mouthFrownLeft", "mouthFrownRight"),
    "AU17": ("mouthShrugLower",),
    "AU20": ("mouthStretchLeft", "mouthStretchRight"),
    "AU23": ("mouthRollLower", "mouthRollUpper", "mouthPucker"),
    "AU26": ("jawOpen",),
    "AU45": ("eyeBlinkLeft", "eyeBlinkRight"),
}
#: AUs without a responding blendshape are measured as distances between MediaPipe's landmarks.
BY_LANDMARKS = ("AU09", "AU14", "AU25")
SWEEP = torch.linspace(0, 1, 9)
#: One subject, one scene, AUs (n, 17), a size -> images (n, 3, size, size).
ImageSource = Callable[[Subjects, Scenes, torch.Tensor, int], torch.Tensor]
FRONTAL = {"yaw": 0.0, "pitch": 0.0, "roll": 0.0, "gaze_x": 0.0, "gaze_y": 0.0}


def people(count: int, seed: int) -> Subjects:
    """Subjects of the ``val`` population."""
    return draw_subjects(subject_seeds("val", seed, torch.arange(count)))


def score(scores: dict[str, float], au: str) -> float:
    """The matching blendshape's score."""
    return float(np.mean([scores[name] for name in MATCHING[au]]))


def distance(points: np.ndarray, au: str) -> float:
    """A distance between landmarks that an AU changes, relative to the distance of the outer eye corners.

    AU09: inner end of the brow to nose wing, negated; AU14: between mouth corners; AU25: between inner lips.
    """
    scale = float(np.linalg.norm(points[33] - points[263]))
    if au == "AU09":
        wing = np.mean([points[129][1], points[358][1]]) - np.mean([points[133][1], points[362][1]])
        return float(-wing / scale)
    if au == "AU14":
        return float(np.linalg.norm(points[61] - points[291]) / scale)
    return float(np.linalg.norm(points[13] - points[14]) / scale)


def spearman(x: np.ndarray, y: np.ndarray) -> float:
    """Rank correlation of two short vectors without ties in x; 0 where y is constant."""
    if np.ptp(y) == 0:
        return 0.0
    from scipy.stats import spearmanr

    return float(spearmanr(x, y).statistic)


def found(
    count: int = 240, seed: int = 101, sizes: tuple[int, ...] = (128, 256), chunk: int = 32
) -> dict[str, Any]:
    """Share of faces found, neutral and with random AUs, overall and by group; yaw up to 0.5 rad."""
    subjects, finder = people(count, seed), Landmarker()
    shots = derive(subjects.seeds, "found")
    scenes = draw_scenes(derive(shots, "scene"))
    report: dict[str, Any] = {"subjects": count, "seed": seed}
    groups: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    labels = attributes(subjects)
    for size in sizes:
        for kind, aus in (("neutral", torch.zeros(count, 17)), ("random", random_aus(shots))):
            seen = 0
            for start in range(0, count, chunk):
                part = slice(start, start + chunk)
                images = render(subjects.select(part), scenes.select(part), aus[part], size).image
                for i, image in enumerate(images):
                    hit = finder(image) is not None
                    seen += hit
                    for name in ("skin", "age", "beard", "glasses", "head cover", "hairstyle"):
                        groups[f"{name}: {labels[start + i][name]}"][0] += hit
                        groups[f"{name}: {labels[start + i][name]}"][1] += 1
            report[f"{kind} at {size}"] = round(seen / count, 4)
    finder.close()
    report["groups"] = {name: round(hits / n, 4) for name, (hits, n) in sorted(groups.items())}
    report["group sizes"] = {name: n for name, (_, n) in sorted(groups.items())}
    report["worst group"] = min(report["groups"].items(), key=lambda item: item[1])
    return report


def renderer(subjects: Subjects, scenes: Scenes, aus: torch.Tensor, size: int) -> torch.Tensor:
    """Rendered images of one subject in one scene with AUs (n, 17): (n, 3, size, size)."""
    repeat = torch.zeros(len(aus), dtype=torch.int64)
    return render(subjects.select(repeat), scenes.select(repeat), aus, size).image


def model_source(name: str) -> ImageSource:
    """Images that a model generates from the neutral portrait, resized."""
    model = Context().make("model", name).to("cpu")
    side = model.info.resolution or 128

    def generate(subjects: Subjects, scenes: Scenes, aus: torch.Tensor, size: int) -> torch.Tensor:
        source = to_8bit(renderer(subjects, scenes, torch.zeros(1, aus.shape[1]), side))
        generated = model.animate(source.expand(len(aus), -1, -1, -1), aus)
        return resize(to_8bit(generated), size)

    return generate


def sweeps(count: int = 24, seed: int = 102, size: int = 256, draw: ImageSource = renderer) -> dict[str, Any]:
    """Each AU from 0 to 1 on frontal faces: Spearman, change, and change of the measures of all other AUs."""
    subjects, finder = people(count, seed), Landmarker()
    scenes = draw_scenes(derive(subjects.seeds, "sweep")).with_values(**FRONTAL)
    names = (*MATCHING, *BY_LANDMARKS)
    correlations: dict[str, list[float]] = defaultdict(list)
    changes: dict[str, dict[str, list[float]]] = {au: defaultdict(list) for au in AU_LABELS}
    for person in range(count):
        one_subject, one_scene = (
            subjects.select(slice(person, person + 1)),
            scenes.select(slice(person, person + 1)),
        )
        for index, au in enumerate(AU_LABELS):
            aus = torch.zeros(len(SWEEP), 17)
            aus[:, index] = SWEEP
            hits = [finder(image) for image in draw(one_subject, one_scene, aus, size)]
            kept = [(float(v), h) for v, h in zip(SWEEP, hits, strict=True) if h is not None]
            if len(kept) < 5:
                continue
            values = np.array([v for v, _ in kept])
            for name in names:
                reads = [
                    score(h.scores, name) if name in MATCHING else distance(h.points, name) for _, h in kept
                ]
                if name == au:
                    correlations[au].append(spearman(values, np.array(reads)))
                changes[au][name].append(reads[-1] - reads[0])
    finder.close()
    return {
        "subjects": count,
        "seed": seed,
        "size": size,
        "spearman": {au: round(float(np.mean(correlations[au])), 3) for au in AU_LABELS},
        "change": {au: round(float(np.mean(changes[au][au])), 3) for au in AU_LABELS},
        "cross-talk": {au: {n: round(float(np.mean(changes[au][n])), 3) for n in names} for au in AU_LABELS},
    }


def _embed(
    encoder: Encoder, subjects: Subjects, scenes: Scenes, aus: torch.Tensor, size: int
) -> torch.Tensor:
    rows = []
    for start in range(0, len(aus), 32):
        part = slice(start, start + 32)
        rendered: Rendered = render(subjects.select(part), scenes.select(part), aus[part], size)
        rows.append(encoder(rendered.image, rendered.landmarks))
    return torch.cat(rows)


def identity(count: int = 120, shots: int = 4, seed: int = 103, size: int = 128) -> dict[str, Any]:
    """AUC of cosine similarity between images of the same and of different people, across scenes and expressions."""
    one = people(count, seed)
    subjects = one.select(torch.arange(count).repeat_interleave(shots))
    keys = torch.cat([derive(one.seeds, "identity", k)[:, None] for k in range(shots)], 1).flatten()
    aus = random_aus(derive(keys, "aus"))
    e = _embed(Encoder(), subjects, draw_scenes(derive(keys, "scene")), aus, size)
    similar = e @ e.T
    label = torch.arange(len(e)) // shots
    upper = torch.triu(torch.ones_like(similar, dtype=torch.bool), 1)
    same = similar[(label[:, None] == label[None]) & upper].sort().values
    other = similar[(label[:, None] != label[None]) & upper].sort().values
    auc = torch.searchsorted(other, same).double().mean().item() / len(other)
    return {
        "subjects": count,
        "shots": shots,
        "seed": seed,
        "size": size,
        "auc": round(auc, 4),
        "same": [round(same.mean().item(), 3), round(same.std().item(), 3)],
        "other": [round(other.mean().item(), 3), round(other.std().item(), 3)],
    }


def diversity(count: int = 1000, seed: int = 104, size: int = 128) -> dict[str, Any]:
    """Minimum cosine distance between embeddings of many subjects, neutral, in one frontal scene."""
    subjects = people(count, seed)
    scenes = draw_scenes(torch.full((count,), 5, dtype=torch.int64)).with_values(**FRONTAL)
    e = _embed(Encoder(), subjects, scenes, torch.zeros(count, 17), size)
    away = 1 - e @ e.T + 2 * torch.eye(count)
    nearest = away.min(1).values
    return {
        "subjects": count,
        "seed": seed,
        "closest two": round(nearest.min().item(), 4),
        "median nearest": round(nearest.median().item(), 4),
    }


def speed(batch: int = 32, size: int = 128, repeats: int = 5, threads: int = 2) -> dict[str, Any]:
    """Faces a second, subjects and scenes drawn beforehand, as the median over repeats."""
    torch.set_num_threads(threads)
    subjects = people(batch, 105)
    scenes = draw_scenes(subjects.seeds)
    aus = random_aus(subjects.seeds)
    render(subjects, scenes, aus, size)
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        render(subjects, scenes, aus, size)
        times.append(time.perf_counter() - start)
    return {
        "batch": batch,
        "size": size,
        "threads": threads,
        "faces/s": round(batch / float(np.median(times)), 1),
    }


def compiled(batch: int = 32, size: int = 128, repeats: int = 5, threads: int = 2) -> dict[str, Any]:
    """``torch.compile`` against eager, in alternation: maximum difference of a pixel, and median ratio of times."""
    torch.set_num_threads(threads)
    subjects = people(batch, 107)
    scenes, aus = draw_scenes(subjects.seeds), random_aus(subjects.seeds)
    start = time.perf_counter()
    fast = render(subjects, scenes, aus, size, compiled=True).image
    warm_up = time.perf_counter() - start
    difference = float((fast - render(subjects, scenes, aus, size).image).abs().max())
    ratios = []
    for _ in range(repeats):
        seconds = []
        for how in (False, True):
            start = time.perf_counter()
            render(subjects, scenes, aus, size, compiled=how)
            seconds.append(time.perf_counter() - start)
        ratios.append(seconds[0] / seconds[1])
    return {
        "largest difference": difference,
        "times as fast": round(float(np.median(ratios)), 2),
        "warm-up seconds": round(warm_up),
    }


def histograms(count: int = 2000, seed: int = 106) -> dict[str, Any]:
    """Shares of each attribute, in percent."""
    rows = attributes(people(count, seed))
    shares: dict[str, dict[str, float]] = {}
    for key in rows[0]:
        values = [row[key] for row in rows]
        shares[key] = {v: round(100 * values.count(v) / count, 1) for v in sorted(set(values))}
    return {"subjects": count, "seed": seed, **shares}


def main() -> None:
    """Run the measurements that the command line names."""
    measures = {
        "found": found,
        "sweeps": sweeps,
        "identity": identity,
        "diversity": diversity,
        "speed": speed,
        "compiled": compiled,
        "histograms": histograms,
    }
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("measure", nargs="*", choices=[*measures, []], default=list(measures))
    parser.add_argument("--seed", type=int)
    parser.add_argument("--count", type=int)
    parser.add_argument("--model", help="with sweeps: a registered model, as `gath-bench run -m` takes it")
    options = parser.parse_args()
    torch.set_num_threads(1)
    for name in options.measure:
        given: dict[str, Any] = {
            k: v
            for k, v in (("seed", options.seed), ("count", options.count))
            if v is not None and name != "speed"
        }
        if name == "sweeps" and options.model:
            given["draw"] = model_source(options.model)
        print(json.dumps({name: measures[name](**given)}), flush=True)


if __name__ == "__main__":
    main()
