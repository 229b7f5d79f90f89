"""Identity encoders on photos: similarity of people, and of re-compressed copies. Prints a table in Markdown.

GATH_BENCH_WEIGHTS=FOLDER python tests/estimators/identity/photo_table.py PHOTO...
"""

from __future__ import annotations

import argparse
import io
from itertools import combinations
from pathlib import Path

import torch
from gath_estimators.detectors.bundled import SynthFacesDetector
from gath_estimators.identity.dlib import DlibEncoder
from gath_estimators.identity.onnx import MobileFaceNet
from gath_metrics.identity import similarity
from PIL import Image
from torch import Tensor

from gath_bench.faces import align
from gath_bench.images import read_image


def recompressed(image: Tensor, quality: int) -> Tensor:
    """An image (3, H, W) after JPEG compression."""
    pixels = Image.fromarray((image * 255).round().byte().permute(1, 2, 0).numpy())
    stored = io.BytesIO()
    pixels.save(stored, "JPEG", quality=quality)
    decoded = torch.frombuffer(bytearray(Image.open(stored).tobytes()), dtype=torch.uint8)
    return decoded.view(image.shape[1], image.shape[2], 3).permute(2, 0, 1).float() / 255


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("photos", nargs="+", type=Path)
    parser.add_argument("--quality", type=int, default=90)
    arguments = parser.parse_args()
    detector = SynthFacesDetector()
    people = [read_image(path) for path in arguments.photos]
    copies = [recompressed(image, arguments.quality) for image in people]
    print("| encoder | pair | similarity |\n|---|---|---|")
    for name, encoder in (("dlib", DlibEncoder()), ("mobilefacenet", MobileFaceNet())):
        template = encoder.info.template
        assert template is not None
        scale = encoder.info.calibration.get("l2_scale")

        def embedding(image: Tensor, encoder=encoder, template=template) -> Tensor:  # type: ignore[no-untyped-def]
            face = detector.detect([image])[0][0]
            return encoder(align(image, face, template, template.size)[0][None]).values

        found, again = [embedding(i) for i in people], [embedding(i) for i in copies]
        for path, one, copy in zip(arguments.photos, found, again, strict=True):
            print(
                f"| {name} | {path.stem}, JPEG {arguments.quality} | {similarity(one, copy, scale).item():.3f} |"
            )
        for (a, one), (b, two) in combinations(zip(arguments.photos, found, strict=True), 2):
            print(f"| {name} | {a.stem}, {b.stem} | {similarity(one, two, scale).item():.3f} |")


if __name__ == "__main__":
    main()
