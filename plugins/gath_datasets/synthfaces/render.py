"""Portraits from subjects, scenes and action units."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from gath_datasets.synthfaces import body, glasses, hair
from gath_datasets.synthfaces.background import paint_background
from gath_datasets.synthfaces.brows import paint_brows
from gath_datasets.synthfaces.camera import develop
from gath_datasets.synthfaces.deform import displacement
from gath_datasets.synthfaces.eyes import paint_eyes
from gath_datasets.synthfaces.folds import fold_face
from gath_datasets.synthfaces.geometry import CLOSE, Framing, Grid, cast, enlarge, make_grid, to_texture, turn
from gath_datasets.synthfaces.landmarks import landmarks
from gath_datasets.synthfaces.layout import Face, lay_out
from gath_datasets.synthfaces.maths import col, over, step
from gath_datasets.synthfaces.mouth import mould_mouth, paint_mouth
from gath_datasets.synthfaces.noise import BLOTCHES, PORES, sample
from gath_datasets.synthfaces.nose import paint_nose
from gath_datasets.synthfaces.relief import relief, shadow
from gath_datasets.synthfaces.scene import Scenes
from gath_datasets.synthfaces.shading import Lamp, lamp, shade, to_display
from gath_datasets.synthfaces.sketch import Sketch
from gath_datasets.synthfaces.skin import detail, paint_skin
from gath_datasets.synthfaces.subject import Subjects

#: Faces drawn at a time: few enough that a chunk's fields stay in the processor's caches.
CHUNK = 8
#: Rays are cast at this fraction of the picture's size, but at no fewer than 64 pixels.
CAST_REDUCTION = 2
MIN_SIZE, MAX_SIZE = 64, 512


@dataclass(frozen=True)
class Rendered:
    """Pictures with their ground truth.

    Attributes:
        image: sRGB in [0, 1], float32 (B, 3, H, W).
        face_mask: the head's skin from crown to chin, ears left out, float32 (B, 1, H, W) in [0, 1].
        eye_mask, mouth_mask: the open eyes; lips and what is between them; float32 (B, 1, H, W) in [0, 1].
        landmarks: 68 points (x, y) in pixels, iBUG order, float32 (B, 68, 2).
    """

    image: Tensor
    face_mask: Tensor
    eye_mask: Tensor
    mouth_mask: Tensor
    landmarks: Tensor


def render(
    subjects: Subjects,
    scenes: Scenes,
    aus: Tensor,
    size: int = 128,
    *,
    framing: Framing = CLOSE,
    compiled: bool = False,
) -> Rendered:
    """Draw portraits.

    Args:
        subjects, scenes: B each, on one device.
        aus: AU coefficients in [0, 1], float32 (B, 17) in the order of ``AU_LABELS``, or (B, 2, 17) with the
            picture's left side first.
        size: edge of the picture in pixels, 64 to 512.
        framing: which part of the world the picture shows.
        compiled: draw by ``torch.compile``: minutes to warm up, then about twice as fast on a CPU. Values are
            within 1e-4 of the eager ones, not equal to them: for training, not for evaluation sets.

    Raises:
        ValueError: sizes or shapes do not fit.
    """
    if not MIN_SIZE <= size <= MAX_SIZE:
        raise ValueError(f"size must be between {MIN_SIZE} and {MAX_SIZE} pixels, not {size}")
    if not len(subjects) == len(scenes) == len(aus) or aus.shape[-1] != 17:
        raise ValueError("render needs as many subjects as scenes and AU vectors of 17 coefficients")
    draw = _compiled_chunk() if compiled else _render_chunk
    made = []
    with torch.inference_mode():
        for start in range(0, len(aus), CHUNK):
            index = torch.arange(start, min(start + CHUNK, len(aus)), device=aus.device)
            count = len(index)
            if compiled:  # one shape, or it would be compiled anew for the last chunk
                index = torch.cat([index, index[-1:].expand(CHUNK - count)])
            part = draw(subjects.select(index), scenes.select(index), aus[index], size, framing)
            made.append({name: value[:count] for name, value in vars(part).items()})
        return Rendered(**{f.name: torch.cat([m[f.name] for m in made]) for f in fields(Rendered)})


@lru_cache(maxsize=1)
def _compiled_chunk() -> Callable[..., Rendered]:
    return torch.compile(_render_chunk)


def draw_face(face: Face, grid: Grid, scenes: Scenes, lights: Lamp) -> Sketch:
    """The face on the canonical grid: skin, relief, light, then the features on top."""
    s = face.subject
    out, down = displacement(face, grid)
    skin_x = grid.x[None, None, :] - out + col(s["skew"]) * torch.sin(4 * grid.y)[None, :, None]
    skin_y = grid.y[None, :, None] - down
    noise = sample(
        slice(BLOTCHES, PORES + 1), skin_x * 0.9 + col(s["texture_x"]), skin_y * 0.9 + col(s["texture_y"])
    )
    empty = torch.zeros_like(skin_x)
    sketch = Sketch(
        grid, face, skin_x, skin_y, noise,
        relief=relief(face, grid), shadow=shadow(face, grid, scenes["light_azimuth"]),
        colour=torch.empty(len(s), 3, *skin_x.shape[1:], device=skin_x.device),
        gloss=empty.clone(), light=empty, eyes=empty.clone(), mouth=empty.clone(),
    )  # fmt: skip
    paint_skin(sketch)
    fold_face(sketch)
    mould_mouth(sketch)
    sketch.relief += detail(sketch)
    shade(sketch, lights)
    paint_nose(sketch)
    paint_mouth(sketch)
    paint_eyes(sketch, scenes, lights)
    paint_brows(sketch)
    glasses.paint_glasses(sketch)
    return sketch


def _render_chunk(subjects: Subjects, scenes: Scenes, aus: Tensor, size: int, framing: Framing) -> Rendered:
    device = str(aus.device)
    pixel = framing.height / size
    grid = make_grid(round(pixel, 9), device)
    face, s = lay_out(subjects, aus), subjects
    pose = turn(scenes, face)
    lights = lamp(scenes, pose)
    sketch = draw_face(face, grid, scenes, lights)

    small = max(MIN_SIZE, size // CAST_REDUCTION) if size > MIN_SIZE else size
    coarse = cast(small, framing, face, pose)
    view = enlarge(coarse, size)
    shell = hair.enlarge(hair.shell(coarse, face, pose, s["hair_top"], s["hair_side"]), size)
    lock = hair.locks(shell, face)
    strands = hair.hair_colour(shell, lock, face, lights)
    covered = bool((s["cover"] > 0).any())
    bare = col(s["cover_hair"])

    picture = paint_background(scenes, size)
    paint = over
    paint(picture, strands * 0.68, (hair.hair_back(shell, lock, face, pixel) * bare)[:, None])
    if bool((s["hair_bun"] > 0).any()):
        hair.paint_bun(picture, view, lock, face, pose, lights, pixel)
    if covered:
        hair.paint_cover(picture, view, face, pose, lights, pixel, behind=True)
    body.paint_neck(picture, view, face, pose, lights, pixel)
    radius, nearer = body.ear_masks(view, face, pose)
    body.paint_ears(picture, radius, torch.ones_like(nearer), view, face, lights, pixel)

    texture = torch.cat([to_display(sketch.colour), sketch.eyes[:, None], sketch.mouth[:, None]], 1)
    seen = F.grid_sample(
        texture, to_texture(view.x, view.y), mode="bilinear", padding_mode="border", align_corners=False
    )
    head = step(view.inside, 0.75 * pixel)
    front = hair.hair_front(shell, lock, face, pixel) * bare
    # Hair shades the skin just below it.
    fallen = F.avg_pool2d(
        front,
        2 * (max(1, round(0.035 / pixel)) // 2) + 1,
        stride=1,
        padding=max(1, round(0.035 / pixel)) // 2,
    )
    skin = seen[:, :3] * (1 - 0.22 * fallen)[:, None]
    paint(picture, skin, head[:, None])
    body.paint_ears(picture, radius, nearer, view, face, lights, pixel)
    paint(picture, strands, front[:, None])
    if covered:
        hair.paint_cover(picture, view, face, pose, lights, pixel, behind=False)
    picture = develop(picture, scenes)
    shown = head * (1 - front)
    return Rendered(
        picture, shown[:, None], (seen[:, 3] * head)[:, None], (seen[:, 4] * head)[:, None],
        landmarks(face, grid, pose, framing, size),
    )  # fmt: skip


__all__ = ["CLOSE", "Framing", "Rendered", "draw_face", "enlarge", "render"]
