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

An AU is valid on photos if the median is at least 0.6, from at least three videos, and the map from ``arkit52`` has the
same action, not a similar one.

Below the table: the area under the ROC curve of the bundled identity encoder, over pairs of frames of one video and of
two videos.

``--estimators NAME...`` chooses the estimators; ``--videos FILE...`` other videos; ``--cache FILE`` keeps the aligned
crops and MediaPipe's values; ``--json`` prints every correlation. ``--write FOLDER`` records the valid AUs of the
bundled estimator and the statement about the identity encoder in ``validation.json``.
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

from gath_estimators.bundled import (
    SynthFacesAUs,
    SynthFacesIdentity,
    SynthFacesTrunk,
    write_validation,
)
from gath_estimators.quality import Evaluator, evaluate, verification

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
#: An AU is valid if its median is at least this, from at least so many videos.
VALID, VALID_VIDEOS = 0.6, 3
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
    def valid(self) -> bool:
        """Whether the estimator is valid on photos for this AU."""
        same_action = self.au not in find_map("arkit52", SPACE).approximate
        return same_action and len(self.by_video) >= VALID_VIDEOS and self.median >= VALID

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


def identity_auc(encoder: Evaluator, videos: list[Video]) -> float:
    """Area under the ROC curve of identity verification over pairs of frames of one video and of two videos."""
    embeddings = torch.cat([evaluate(encoder, video.crops) for video in videos])
    labels = torch.cat([torch.full((len(video.crops),), i) for i, video in enumerate(videos)])
    return verification(embeddings, labels).auc


def write(folder: Path, rows: list[Agreement], auc: float, videos: list[Video]) -> None:
    """Record the figures beside the weights of a folder."""
    frames, people = sum(len(video.crops) for video in videos), len(videos)
    write_validation(
        folder,
        SynthFacesAUs.file,
        "photo",
        "median over videos of Spearman's correlation with MediaPipe's blendshapes within a video; "
        f"{frames} frames of {people} videos; tests/estimators/judge.py",
        {row.au: round(row.median, 2) for row in rows if row.valid},
    )
    write_validation(
        folder,
        SynthFacesIdentity.file,
        "photo",
        f"AUC 0.68 over unlike photos of one person, {auc:.2f} over frames of {people} videos",
        None,
    )
    write_validation(
        folder,
        SynthFacesTrunk.file,
        "photo",
        "not tested on photos; tested on synthfaces for order of distances under degradation",
        None,
    )


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
    parser.add_argument("--write", type=Path, metavar="FOLDER")
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
        print(f"\n`{name}`\n\n| AU | median | lowest | videos | pooled | valid |\n|---|---|---|---|---|---|")
        for row in rows:
            count = len(row.by_video)
            within = f"{row.median:.2f} | {row.lowest:.2f}" if count else "- | -"
            print(f"| {row.au} | {within} | {count} | {row.pooled:.2f} | {'yes' if row.valid else 'no'} |")
    auc = identity_auc(Context().make("identity_encoder", "synthfaces"), videos)
    if len(videos) > 1:
        print(f"\nidentity: AUC {auc:.2f} over pairs of frames", file=sys.stderr)
    if options.write:
        estimator = SynthFacesAUs(folder=options.write)
        write(options.write, agreement(videos, [measure(estimator, video) for video in videos]), auc, videos)


if __name__ == "__main__":
    main()
