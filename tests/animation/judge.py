"""How well `animate` moves real faces, with MediaPipe as the judge. Not a test: it needs weights and photos.

MediaPipe's Face Landmarker scores 52 blendshapes. Three parts:

- ``photos``: each of six AUs alone in steps of 0.25, on every photo and on three frames of every video; the change of
  its blendshape at 1 against the same picture with no AU, and Spearman's correlation of blendshape and step.
  Right-signed is a change above 0.02. Also the cosine of the MobileFaceNet embeddings of picture and result at 1, both
  in the alignment of the picture.
- ``blink``: AU45 on scikit-image's astronaut: at full size, in a corner of a 1500 x 2000 JPEG, in a group, turned by
  20 degrees. The change of eyeBlink against the photo, and the pixels that change outside the crops.
- ``drive``: videos drive a photo (``s0.jpg`` by default, whose face is neutral). The correlation of the driver's blink
  and smile with the output's over frames.

    # weights/: face_landmarker.task and MobileFaceNet.onnx; samples/: photos/ and videos/
    export GATH_BENCH_WEIGHTS=weights GATH_BENCH_SAMPLES=samples
    python tests/animation/judge.py photos -m gath -m gath-warp
    python tests/animation/judge.py blink --output pictures
    python tests/animation/judge.py drive --output pictures
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from scipy.stats import spearmanr

from gath_bench.animation.api import make_motion, play
from gath_bench.animation.model import PhotoModel
from gath_bench.animation.portrait import Portrait, Region
from gath_bench.contracts import Face
from gath_bench.errors import UsageError
from gath_bench.faces import align
from gath_bench.plugins import load_plugins
from gath_bench.provenance import Provenance
from gath_bench.registry import Registry
from gath_bench.video import read_frames, write_animation

#: AU -> the beginnings of the names of MediaPipe's blendshapes for it.
BLENDSHAPES = {
    "AU01": "browInnerUp",
    "AU02": "browOuterUp",
    "AU04": "browDown",
    "AU12": "mouthSmile",
    "AU26": "jawOpen",
    "AU45": "eyeBlink",
}
#: Changes above this are right-signed.
NOISE = 0.02
STEPS = (0.0, 0.25, 0.5, 0.75, 1.0)


class Judge:
    """MediaPipe's Face Landmarker."""

    def __init__(self) -> None:
        import mediapipe as mp
        from mediapipe.tasks.python import BaseOptions, vision

        weights = Path(os.environ["GATH_BENCH_WEIGHTS"]) / "face_landmarker.task"
        options = vision.FaceLandmarkerOptions(
            base_options=BaseOptions(model_asset_path=str(weights)),
            output_face_blendshapes=True,
            num_faces=10,
        )
        self._mp, self._landmarker = mp, vision.FaceLandmarker.create_from_options(options)

    def __call__(self, image: Image.Image) -> list[dict[str, float]]:
        """Blendshapes of all faces, from left to right."""
        pixels = np.ascontiguousarray(np.asarray(image.convert("RGB")))
        found = self._landmarker.detect(self._mp.Image(image_format=self._mp.ImageFormat.SRGB, data=pixels))
        places = [np.mean([point.x for point in points]) for points in found.face_landmarks]
        scores = [{score.category_name: score.score for score in face} for face in found.face_blendshapes]
        return [scores[index] for index in np.argsort(places)]

    def close(self) -> None:
        self._landmarker.close()


class Identity:
    """MobileFaceNet's similarity of a face before and after."""

    def __init__(self) -> None:
        from gath_estimators.identity.onnx import MobileFaceNet

        self._encoder = MobileFaceNet()

    def __call__(self, before: Image.Image, after: Image.Image, face: Face) -> float:
        """The cosine of the embeddings; both images are aligned by the face of the first."""
        template = self._encoder.info.template
        assert template is not None
        pixels = (np.asarray(image, np.float32) / 255 for image in (before, after))
        images = [torch.from_numpy(values).permute(2, 0, 1) for values in pixels]
        crops = torch.stack([align(image, face, template, template.size)[0] for image in images])
        return float(torch.nn.functional.cosine_similarity(*self._encoder(crops).values, dim=0))


def score(face: dict[str, float], au: str) -> float:
    """The mean score of an AU's blendshapes."""
    return float(np.mean([value for name, value in face.items() if name.startswith(BLENDSHAPES[au])]))


def face_of(image: Image.Image, region: Region) -> Image.Image:
    """The surroundings of one region, enlarged: the judge misses faces that are small in a large photo."""
    margin = round(0.3 * region.side)
    box = (region.left - margin, region.top - margin, region.right + margin, region.bottom + margin)
    part = image.crop((max(box[0], 0), max(box[1], 0), min(box[2], image.width), min(box[3], image.height)))
    scale = max(1, 384 / min(part.size))
    return part.resize((round(part.width * scale), round(part.height * scale)), Image.Resampling.BICUBIC)


def samples(folder: str, suffix: str) -> list[Path]:
    return sorted((Path(os.environ["GATH_BENCH_SAMPLES"]) / folder).glob(f"*{suffix}"))


def astronaut() -> Image.Image:
    from skimage import data

    return Image.fromarray(data.astronaut())


def pictures() -> dict[str, Image.Image]:
    """The photos, and the frames after one, three and five sixths of each video."""
    images: dict[str, Image.Image] = {"astronaut": astronaut()}
    images |= {path.stem: Image.open(path).convert("RGB") for path in samples("photos", ".jpg")}
    for path in samples("videos", ".mp4"):
        count = sum(1 for _ in read_frames(path))
        wanted = {count // 6, count // 2, 5 * count // 6}
        for number, frame in enumerate(read_frames(path)):
            if number in wanted:
                images[f"{path.stem}-{number}"] = Image.fromarray(frame.pixels)
    return images


def photos(model: PhotoModel, judge: Judge) -> None:
    """The table of the photo test for one model."""
    changes: dict[str, list[float]] = {au: [] for au in BLENDSHAPES}
    correlations: dict[str, list[float]] = {au: [] for au in BLENDSHAPES}
    similar: dict[str, list[float]] = {au: [] for au in BLENDSHAPES}
    lost, identity = 0, Identity()
    for name, image in pictures().items():
        try:
            portrait = Portrait.prepare(image, model)
        except UsageError as error:
            print(f"{name}: {error}")
            continue

        region = portrait.regions[0]
        assert region.face is not None
        made = {
            aus: next(play(portrait, make_motion(model, aus=aus)))
            for aus in ("neutral", *(f"{au}={step}" for au in BLENDSHAPES for step in STEPS[1:]))
        }
        judged = {aus: next(iter(judge(face_of(result, region))), None) for aus, result in made.items()}
        for au in BLENDSHAPES:
            faces = [judged["neutral"], *(judged[f"{au}={step}"] for step in STEPS[1:])]
            similar[au].append(identity(image, made[f"{au}={STEPS[-1]}"], region.face))
            lost += sum(face is None for face in faces)
            if any(face is None for face in faces):
                print(f"{name}: the judge finds no face under {au}")
            scores = [np.nan if face is None else score(face, au) for face in faces]
            changes[au].append(float(np.nan_to_num(scores[-1] - scores[0])))
            correlations[au].append(float(np.nan_to_num(spearmanr(STEPS, scores, nan_policy="omit")[0])))
        print(f"{name:10}", *(f"{au} {values[-1]:+.2f}" for au, values in changes.items()), flush=True)
    every = [value for values in changes.values() for value in values]
    print(
        f"\n{model.key}\n| AU | right-signed | mean change | Spearman | identity: mean, lowest |\n|---|---|---|---|---|"
    )
    for au, values in changes.items():
        right = sum(value > NOISE for value in values)
        kept = f"{np.mean(similar[au]):.2f}, {min(similar[au]):.2f}"
        rank = np.mean(correlations[au])
        print(f"| {au} | {right} of {len(values)} | {np.mean(values):+.2f} | {rank:.2f} | {kept} |")
    right = sum(value > NOISE for value in every)
    steps = np.mean([value for values in correlations.values() for value in values])
    whole = [value for values in similar.values() for value in values]
    kept = f"{np.mean(whole):.2f}, {min(whole):.2f}"
    print(f"| all | {right} of {len(every)} | {np.mean(every):+.2f} | {steps:.2f} | {kept} |\n")
    print(f"pictures in which the judge finds no face: {lost} of {len(every) * len(STEPS)}")


def scenes() -> dict[str, tuple[Image.Image, bool]]:
    """Name -> photo of the blink test, and whether all faces are animated."""
    face = astronaut()
    corner = Image.new("RGB", (1500, 2000), (120, 130, 140))
    corner.paste(face.resize((700, 700), Image.Resampling.LANCZOS), (790, 20))
    group = Image.new("RGB", (1536, 512))
    for index, size in enumerate((512, 420, 460)):
        group.paste(face.resize((size, size), Image.Resampling.LANCZOS), (512 * index, 512 - size))
    turned = face.rotate(20, Image.Resampling.BICUBIC, expand=True, fillcolor=(160, 150, 150))
    return {
        "full": (face, False),
        "corner": (corner, False),
        "group": (group, True),
        "turned": (turned, False),
    }


def blink(model: PhotoModel, judge: Judge, output: Path | None) -> None:
    """The table of the blink test for one model."""
    print(f"\n{model.key}\n| photo | faces | eyeBlink before | after | change | changed outside the crops |")
    print("|---|---|---|---|---|---|")
    for name, (image, every) in scenes().items():
        try:
            portrait = Portrait.prepare(image, model, all_faces=every)
        except UsageError as error:
            print(f"| {name} | {error} |")
            continue
        result = next(play(portrait, make_motion(model, aus="45E")))
        assert result.size == image.size
        outside = np.ones(portrait.pixels.shape[:2], bool)
        for region in portrait.regions:
            outside[region.top : region.bottom, region.left : region.right] = False
        touched = (np.asarray(result) != portrait.pixels).any(-1) & outside
        pairs = []
        for region in portrait.regions:
            before, after = (judge(face_of(picture, region)) for picture in (image, result))
            if before and after:
                pairs.append((score(before[0], "AU45"), score(after[0], "AU45")))
        shown = [" ".join(f"{value:.2f}" for value in values) for values in zip(*pairs, strict=True)] or [
            "",
            "",
        ]
        changes = " ".join(f"{after - before:+.2f}" for before, after in pairs)
        print(f"| {name} | {len(portrait.regions)} | {' | '.join(shown)} | {changes} | {touched.sum()} |")
        if output:
            result.save(output / f"blink-{name}.png")


def drive(model: PhotoModel, judge: Judge, output: Path | None, frames: int, photo: Path | str) -> None:
    """The table of the driving test for one model."""
    print(
        f"\n{model.key}\n| video | frames | blink | smile | frames/s | share of the model |\n|---|---|---|---|---|---|"
    )
    for path in samples("videos", ".mp4"):
        begun = time.perf_counter()
        motion = make_motion(model, drive=path, relative=True)
        estimated = time.perf_counter() - begun
        portrait = Portrait.prepare(photo, model)
        begun = time.perf_counter()
        made: list[Image.Image] = []
        result: Iterator[Image.Image] = play(portrait, motion)
        for frame in result:
            made.append(frame)
            if len(made) == frames:
                break
        seconds = time.perf_counter() - begun
        curves: dict[str, list[tuple[float, float]]] = {"AU45": [], "AU12": []}
        for shown, image in zip(read_frames(path), made, strict=False):
            driver = judge(Image.fromarray(shown.pixels))
            face = judge(face_of(image, portrait.regions[0]))
            for au in curves:
                pair = (score(driver[0], au), score(face[0], au)) if driver and face else (np.nan, np.nan)
                curves[au].append(pair)
        found = []
        for pairs in curves.values():
            both = np.array(pairs)
            both = both[~np.isnan(both).any(1)]
            found.append(f"{np.corrcoef(both.T)[0, 1]:.2f} (range {np.ptp(both[:, 0]):.2f})")
        rate = len(made) / (seconds + estimated * len(made) / len(motion.aus))
        share = portrait.model_seconds / (seconds + estimated * len(made) / len(motion.aus))
        print(f"| {path.stem} | {len(made)} | {' | '.join(found)} | {rate:.1f} | {share:.0%} |", flush=True)
        if output:
            write_animation(output / f"drive-{path.stem}.mp4", made, motion.fps or 25, Provenance(model.key))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("part", choices=["photos", "blink", "drive"])
    parser.add_argument("-m", "--model", action="append", help="default: gath-warp")
    parser.add_argument("--detector", default="synthfaces")
    parser.add_argument("--frames", type=int, default=10_000, help="of each driving video, at most")
    parser.add_argument("--portrait", type=Path, help="the photo that videos drive")
    parser.add_argument("--output", type=Path, help="an existing folder for pictures and videos")
    options = parser.parse_args()
    registry, judge = Registry.of(load_plugins()), Judge()
    for name in options.model or ["gath-warp"]:
        model = PhotoModel.load(name, registry, detector=options.detector)
        if options.part == "photos":
            photos(model, judge)
        elif options.part == "blink":
            blink(model, judge, options.output)
        else:
            photo = options.portrait or samples("photos", "s0.jpg")[0]
            drive(model, judge, options.output, options.frames, photo)
    judge.close()


if __name__ == "__main__":
    main()
