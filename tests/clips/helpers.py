"""Small videos whose grey level tells clip and frame, and label files for them."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from gath_bench.provenance import Provenance
from gath_bench.video import write_animation

#: Frames per video, and the difference of grey levels of one frame to the next.
FRAMES, STEP = 8, 3
DISFA_AUS = (1, 2, 4, 5, 6, 9, 12, 15, 17, 20, 25, 26)


def write_video(path: Path, level: int, frames: int = FRAMES, size: tuple[int, int] = (32, 32)) -> None:
    """Frames of one grey that grows by `STEP` per frame."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pictures = [Image.new("RGB", size, (level + STEP * index,) * 3) for index in range(frames)]
    # The writer knows MP4 only; the reader goes by content.
    temporary = path.with_suffix(".mp4")
    write_animation(temporary, pictures, 25, Provenance("test"))
    temporary.rename(path)


def write_csv(path: Path, frames: int = FRAMES, columns: str = "AU12") -> None:
    """AUs in [0, 1] that grow from 0 to 1."""
    names = columns.split()
    lines = [",".join(["frame", *names])]
    lines += [",".join([str(row), *[f"{row / (frames - 1):.4f}"] * len(names)]) for row in range(frames)]
    path.write_text("\n".join(lines))


def write_intensities(path: Path, values: list[object], first: int = 1) -> None:
    """``frame,intensity`` lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{first + row},{value}\n" for row, value in enumerate(values)))


def write_disfa(root: Path, subjects: tuple[str, ...]) -> Path:
    """DISFA's tree: the intensity of AU12 is the number of the frame modulo 6, that of the others 0."""
    for number, subject in enumerate(subjects):
        write_video(root / "Videos_LeftCamera" / f"LeftVideo{subject}_comp.avi", 20 + 20 * number)
        for au in DISFA_AUS:
            values = [frame % 6 if au == 12 else 0 for frame in range(1, FRAMES + 1)]
            write_intensities(root / "ActionUnit_Labels" / subject / f"{subject}_au{au}.txt", values)
    return root
