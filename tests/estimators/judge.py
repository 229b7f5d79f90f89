"""Compare AU estimators with MediaPipe's blendshapes on real videos, AU by AU. Not a test: it needs weights and videos.

    GATH_BENCH_WEIGHTS=FOLDER GATH_BENCH_SAMPLES=FOLDER python tests/estimators/judge.py

``GATH_BENCH_WEIGHTS`` holds ``face_landmarker.task``; ``GATH_BENCH_SAMPLES`` holds ``videos/``. Frames at equal
distances count (``--frames`` per video), aligned to the estimator's template by a face detector. MediaPipe scores the
same frames; its blendshapes become AUs by the map from ``arkit52``. The table gives, per AU:

- median: the median over videos of Spearman's correlation within a video. Only videos in which MediaPipe's value varies
  (standard deviation above 0.05) count.
- lowest: the lowest of these correlations.
- videos: how many these are.
- pooled: Spearman's correlation over the frames of all videos.

A range of the median over ``--bootstrap`` resamples of the frames, in blocks of consecutive frames, is not an interval
for other people: the number of videos is small.

``--estimators NAME...`` chooses the estimators; ``--videos FILE...`` other videos; ``--cache FILE`` keeps the aligned
crops and MediaPipe's values; ``--json`` prints every correlation.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

if __name__ == "__main__":
    root = Path(__file__).resolve().parents[2]
    sys.path[:0] = [str(root), str(root / "plugins"), str(root / "reference_impl"), str(root / "tests")]

from gath_bench.au import apply, find_map, get_space
from gath_bench.cli.context import Context
from gath_bench.contracts import AUEstimator, FaceDetector
from gath_bench.faces import SYNTHFACES, align
from gath_bench.images import resize
from gath_bench.statistics import pearson
from gath_bench.video import SUFFIXES, probe, read_frames

Array = NDArray[np.float64]
#: The AU space in which estimator and MediaPipe are compared.
SPACE = "openface17"
#: MediaPipe's value of an AU counts in videos where its standard deviation is above this.
VARIES = 0.05
#: MediaPipe gets frames whose shorter side is at least this, in pixels.
LEAST_SIDE = 432
#: Side of the aligned crops in pixels.
CROP = SYNTHFACES.size


@dataclass(frozen=True)
class Video:
    """The frames of one video in which both MediaPipe and the detector find a face.

    Attributes:
        name: the file's name without its ending.
        frames: number of frames that were tried.
        crops: float32 (N, 3, CROP, CROP), aligned.
        reference: (N, K) AUs by MediaPipe's blendshapes.
    """

    name: str
    frames: int
    crops: Tensor
    reference: Array


@dataclass(frozen=True)
class Agreement:
    """Agreement of an estimator with MediaPipe in one AU.

    Attributes:
        au: the label.
        by_video: video -> Spearman's correlation, of the videos where MediaPipe's value varies.
        pooled: the correlation over all frames.
    """

    au: str
    by_video: dict[str, float]
    pooled: float

    @property
    def median(self) -> float:
        return float(np.median(list(self.by_video.values()))) if self.by_video else float("nan")

    @property
    def lowest(self) -> float:
        return min(self.by_video.values(), default=float("nan"))


def read_video(path: Path, detector: FaceDetector, landmarker: Any, count: int) -> Video:
    """Align and score ``count`` frames at equal distances."""
    available = len(probe(path).times)
    indices = np.unique(np.linspace(0, available - 1, min(count, available)).round().astype(int)).tolist()
    arkit, to_aus = get_space("arkit52"), find_map("arkit52", SPACE)
    crops, scores = [], []
    for frame in read_frames(path, indices):
        image = torch.from_numpy(frame.pixels).permute(2, 0, 1).float() / 255
        found, faces = landmarker(_enlarged(image)), detector.detect([image])[0]
        if found is None or not faces:
            continue
        crops.append(align(image, faces[0], SYNTHFACES, CROP)[0])
        scores.append(apply(to_aus, np.array([found.scores.get(label, np.nan) for label in arkit.labels])))
    return Video(path.stem, len(indices), torch.stack(crops), np.stack(scores).astype(np.float64))


def _enlarged(image: Tensor) -> Tensor:
    """The image with a shorter side of at least LEAST_SIDE: MediaPipe misses small faces."""
    factor = LEAST_SIDE / min(image.shape[-2:])
    if factor <= 1:
        return image
    size = [round(side * factor) for side in image.shape[-2:]]
    return torch.nn.functional.interpolate(image[None], size=size, mode="bicubic").clamp(0, 1)[0]


def measure(estimator: AUEstimator, video: Video) -> Array:
    """The estimator's AUs of a video, (N, K)."""
    template = estimator.info.template
    if template is not None and template != SYNTHFACES:
        raise SystemExit(f"the crops are aligned to {SYNTHFACES.name!r}, not to {template.name!r}")
    images = video.crops if template is None else resize(video.crops, template.size)
    values = estimator(images).values
    assert isinstance(values, Tensor)
    assert estimator.info.au_space is not None
    return apply(find_map(estimator.info.au_space, SPACE), values.numpy()).astype(np.float64)


def spearman(a: Array, b: Array) -> float:
    """Spearman's correlation of two series; 0 where one is constant."""
    from scipy.stats import rankdata

    value = float(pearson(rankdata(a)[:, None], rankdata(b)[:, None])[0])
    return 0.0 if np.isnan(value) else value


def agreement(videos: list[Video], measured: list[Array]) -> list[Agreement]:
    """Agreement per AU."""
    result = []
    for k, au in enumerate(get_space(SPACE).labels):
        by_video = {
            video.name: spearman(values[:, k], video.reference[:, k])
            for video, values in zip(videos, measured, strict=True)
            if video.reference[:, k].std() > VARIES
        }
        pooled = spearman(
            np.concatenate([values[:, k] for values in measured]),
            np.concatenate([video.reference[:, k] for video in videos]),
        )
        result.append(Agreement(au, by_video, pooled))
    return result


def load_videos(paths: list[Path], cache: Path | None, count: int) -> list[Video]:
    """The videos, from the cache if there is one."""
    if cache is not None and cache.is_file():
        return [Video(**stored) for stored in torch.load(cache, weights_only=False)]
    from synthfaces.evaluators import Landmarker

    detector, landmarker = Context().make("face_detector", "synthfaces"), Landmarker()
    videos = [read_video(path, detector, landmarker, count) for path in paths]
    landmarker.close()
    if cache is not None:
        torch.save([vars(video) for video in videos], cache)
    return videos


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--estimators", nargs="+", default=["synthfaces"])
    parser.add_argument("--samples", type=Path, default=os.environ.get("GATH_BENCH_SAMPLES"))
    parser.add_argument("--videos", nargs="+", type=Path)
    parser.add_argument("--frames", type=int, default=100)
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.samples is None and options.videos is None:
        parser.error("set GATH_BENCH_SAMPLES, or pass --samples FOLDER or --videos FILE...")
    torch.set_num_threads(1)
    paths = options.videos or sorted(
        path for path in (options.samples / "videos").iterdir() if path.suffix.lower() in SUFFIXES
    )
    videos = load_videos(paths, options.cache, options.frames)
    for video in videos:
        print(f"{video.name}: {len(video.crops)} of {video.frames} frames with a face", file=sys.stderr)
    for name in options.estimators:
        estimator = Context().make("au_estimator", name)
        rows = agreement(videos, [measure(estimator, video) for video in videos])
        if options.json:
            print(json.dumps({name: [vars(row) for row in rows]}, indent=2))
            continue
        print(f"\n`{name}`\n\n| AU | median | lowest | videos | pooled |\n|---|---|---|---|---|")
        for row in rows:
            count = len(row.by_video)
            within = f"{row.median:.2f} | {row.lowest:.2f}" if count else "- | -"
            print(f"| {row.au} | {within} | {count} | {row.pooled:.2f} |")


if __name__ == "__main__":
    main()
