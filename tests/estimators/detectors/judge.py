"""Compare face detectors with MediaPipe on real photos and videos, and count false positives.

    GATH_BENCH_WEIGHTS=FOLDER GATH_BENCH_SAMPLES=FOLDER python tests/estimators/detectors/judge.py

``GATH_BENCH_WEIGHTS`` holds ``face_landmarker.task``; ``GATH_BENCH_SAMPLES`` holds ``photos/`` and ``videos/``. Every
tenth frame of a video counts. The reference is the largest face that MediaPipe finds in the same image. Columns:

- found: share of the reference's images in which a face lies within half the distance of the eyes of the reference's.
- median, 95 %: quantiles, over those images, of the mean distance of the landmarks that both give, over the distance
  of the eyes; once over all of them and once without the jaw line (landmarks 17 to 67).
- false: share of images without a face in which a face is found: 200 procedural backgrounds, and scikit-image's.
- s/MP: seconds per megapixel on one core, over all images; and seconds per image.

``--detectors NAME...`` chooses; ``--pictures FOLDER`` writes the images with the landmarks drawn.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

if __name__ == "__main__":
    root = Path(__file__).resolve().parents[3]
    sys.path[:0] = [str(root), str(root / "plugins"), str(root / "reference_impl"), str(root / "tests")]

from gath_bench.cli.context import Context
from gath_bench.contracts import Face, FaceDetector
from gath_bench.images import SUFFIXES, read_image

STEP = 10
BACKGROUNDS = 200
#: Pictures of scikit-image without a face. Left out: astronaut, camera, lfw_subset (faces), coins (heads in relief).
WITHOUT_FACE = (
    "brick",
    "cell",
    "chelsea",
    "checkerboard",
    "clock",
    "coffee",
    "colorwheel",
    "grass",
    "gravel",
    "horse",
    "hubble_deep_field",
    "immunohistochemistry",
    "logo",
    "microaneurysms",
    "moon",
    "page",
    "retina",
    "rocket",
    "text",
)


@dataclass(frozen=True)
class Picture:
    """One image and what it is called."""

    name: str
    image: Tensor


@dataclass(frozen=True)
class Figures:
    """One detector's figures; see the module."""

    detector: str
    images: int
    found: float
    median: float
    p95: float
    below_15: float
    inner_median: float
    inner_p95: float
    false_backgrounds: float
    false_pictures: float
    seconds_per_megapixel: float
    seconds_per_image: float


def photos_and_frames(folder: Path) -> Iterator[Picture]:
    """The photos, and every tenth frame of the videos."""
    import av

    for path in sorted((folder / "photos").iterdir()):
        if path.suffix.lower() in SUFFIXES:
            yield Picture(path.name, read_image(path))
    for path in sorted((folder / "videos").glob("*.mp4")):
        yield from frames(path, av)


def frames(path: Path, av: object) -> Iterator[Picture]:
    """Every tenth frame of a video."""
    with av.open(str(path)) as container:  # type: ignore[attr-defined]
        for number, frame in enumerate(container.decode(video=0)):
            if number % STEP == 0:
                pixels = torch.from_numpy(frame.to_ndarray(format="rgb24"))
                yield Picture(f"{path.stem}-{number:05d}", pixels.permute(2, 0, 1).float() / 255)


def backgrounds(count: int = BACKGROUNDS) -> Iterator[Picture]:
    """Procedural backgrounds of synthfaces, without a face."""
    from gath_datasets.synthfaces.background import render_background
    from gath_datasets.synthfaces.rand import derive
    from gath_datasets.synthfaces.scene import draw_scenes

    scenes = draw_scenes(derive(torch.arange(count), "detector judge"))
    for i in range(count):
        yield Picture(f"background {i}", render_background(scenes.select(torch.tensor([i])), 320)[0])


def without_face() -> Iterator[Picture]:
    """scikit-image's pictures without a face."""
    from skimage import data

    for name in WITHOUT_FACE:
        pixels = np.asarray(getattr(data, name)())
        pixels = pixels.astype(np.float32) / (1 if pixels.dtype == bool else 255)
        pixels = np.stack([pixels] * 3, -1) if pixels.ndim == 2 else pixels[..., :3]
        yield Picture(name, torch.from_numpy(np.ascontiguousarray(pixels)).permute(2, 0, 1).contiguous())


def eye_distance(landmarks: Tensor) -> Tensor:
    """Distance of the eyes' centres in pixels."""
    return (landmarks[36:42].mean(0) - landmarks[42:48].mean(0)).norm()


def error(face: Face, true: Face, start: int = 0) -> float:
    """Mean distance of the landmarks that both give, over the distance of the eyes."""
    distance = (face.landmarks - true.landmarks)[start:].norm(dim=1)
    return float(distance[~distance.isnan()].mean() / eye_distance(true.landmarks))


def match(faces: list[Face], true: Face) -> Face | None:
    """The face that lies where the true one does: the landmarks' mean is off by at most half the eyes' distance."""
    best, least = None, 0.5
    for face in faces:
        offset = (face.landmarks - true.landmarks).nanmean(0).norm() / eye_distance(true.landmarks)
        if float(offset) <= least:
            best, least = face, float(offset)
    return best


def evaluate(name: str, detector: FaceDetector, pictures: list[Picture], true: list[Face | None]) -> Figures:
    """All figures of one detector."""
    detector.detect([torch.rand(3, 64, 64)])
    errors, inner, found, total, seconds, megapixels = [], [], 0, 0, 0.0, 0.0
    for picture, reference in zip(pictures, true, strict=True):
        start = time.perf_counter()
        faces = detector.detect([picture.image])[0]
        seconds += time.perf_counter() - start
        megapixels += picture.image.shape[-1] * picture.image.shape[-2] / 1e6
        if reference is None:
            continue
        total += 1
        face = match(faces, reference)
        if face is None:
            print(
                f"  {name}: no face at the reference's in {picture.name} ({len(faces)} faces)",
                file=sys.stderr,
            )
            continue
        found += 1
        errors.append(error(face, reference))
        inner.append(error(face, reference, 17))
    false_positives = []
    for images in (list(backgrounds()), list(without_face())):
        fired = [p.name for p in images if detector.detect([p.image])[0]]
        if fired:
            print(f"  {name}: false positives in {', '.join(fired)}", file=sys.stderr)
        false_positives.append(len(fired) / len(images))
    e, i = np.array(errors), np.array(inner)
    return Figures(
        name,
        total,
        found / total,
        float(np.median(e)),
        float(np.quantile(e, 0.95)),
        float((e < 0.15).mean()),
        float(np.median(i)),
        float(np.quantile(i, 0.95)),
        *false_positives,
        seconds / megapixels,
        seconds / len(pictures),
    )


def draw(pictures: list[Picture], detectors: dict[str, FaceDetector], folder: Path) -> None:
    """Write each image with the landmarks of each detector in a colour of its own."""
    from PIL import Image, ImageDraw

    colours = ("lime", "red", "cyan", "yellow")
    folder.mkdir(parents=True, exist_ok=True)
    for picture in pictures:
        image = Image.fromarray((picture.image * 255).round().byte().permute(1, 2, 0).numpy())
        pen = ImageDraw.Draw(image)
        for colour, detector in zip(colours, detectors.values(), strict=False):
            for face in detector.detect([picture.image])[0]:
                pen.rectangle((face.left, face.top, face.right, face.bottom), outline=colour)
                r = max(1.0, face.width / 150)
                for x, y in face.landmarks.tolist():
                    if x == x:
                        pen.ellipse((x - r, y - r, x + r, y + r), fill=colour)
        image.save(folder / f"{Path(picture.name).stem}.png")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--detectors", nargs="+", default=["synthfaces", "mediapipe", "dlib"])
    parser.add_argument("--samples", type=Path, default=os.environ.get("GATH_BENCH_SAMPLES"))
    parser.add_argument("--pictures", type=Path)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.samples is None:
        parser.error("set GATH_BENCH_SAMPLES, or pass --samples FOLDER")
    torch.set_num_threads(1)
    make = Context().make
    pictures = list(photos_and_frames(options.samples))
    reference: FaceDetector = make("face_detector", "mediapipe")
    true = [next(iter(reference.detect([p.image])[0]), None) for p in pictures]
    print(f"{len(pictures)} images, {sum(t is not None for t in true)} with a face", file=sys.stderr)
    detectors = {name: make("face_detector", name) for name in options.detectors}
    if options.pictures:
        draw(pictures[:: max(1, len(pictures) // 40)], detectors, options.pictures)
    rows = [asdict(evaluate(name, detector, pictures, true)) for name, detector in detectors.items()]
    if options.json:
        print(json.dumps(rows, indent=2))
        return
    print(
        "| detector | found | median | 95 % | below .15 | median, no jaw | 95 %, no jaw "
        "| false, backgrounds | false, pictures | s/MP | s/image |"
    )
    print("|---|" + "---|" * 10)
    for row in rows:
        print(
            f"| `{row['detector']}` | {row['found']:.1%} | {row['median']:.3f} | {row['p95']:.3f} "
            f"| {row['below_15']:.1%} | {row['inner_median']:.3f} | {row['inner_p95']:.3f} "
            f"| {row['false_backgrounds']:.1%} | {row['false_pictures']:.1%} "
            f"| {row['seconds_per_megapixel']:.2f} | {row['seconds_per_image']:.2f} |"
        )


if __name__ == "__main__":
    main()
