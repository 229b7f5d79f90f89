"""Render portraits from subjects, scenes and AU coefficients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from gath_datasets.synthfaces import MAX_SIZE, MIN_SIZE, body, glasses, hair
from gath_datasets.synthfaces.background import render_background
from gath_datasets.synthfaces.brows import render_brows
from gath_datasets.synthfaces.camera import apply_camera
from gath_datasets.synthfaces.canvas import Canvas
from gath_datasets.synthfaces.deform import displacement
from gath_datasets.synthfaces.eyes import render_eyes
from gath_datasets.synthfaces.folds import add_folds
from gath_datasets.synthfaces.geometry import (
    CLOSE,
    Framing,
    Grid,
    cast_rays,
    make_grid,
    pose_of,
    to_texture,
    upsample,
)
from gath_datasets.synthfaces.landmarks import landmarks
from gath_datasets.synthfaces.layout import Face, place_features
from gath_datasets.synthfaces.maths import col, over, step
from gath_datasets.synthfaces.mouth import render_mouth, shape_lips
from gath_datasets.synthfaces.noise import BLOTCHES, PORES, sample
from gath_datasets.synthfaces.nose import render_nose
from gath_datasets.synthfaces.relief import relief, shadow
from gath_datasets.synthfaces.scene import Scenes
from gath_datasets.synthfaces.shading import Light, scene_light, shade, to_display
from gath_datasets.synthfaces.skin import detail, render_skin
from gath_datasets.synthfaces.subject import Subjects

#: Faces per chunk: small enough that the fields of a chunk stay in the CPU caches.
CHUNK = 8
#: Rays are cast at 1 / CAST_REDUCTION of the image size, but at no less than 64 pixels.
CAST_REDUCTION = 2


@dataclass(frozen=True)
class Rendered:
    """Images with their ground truth.

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
    """Render portraits.

    Args:
        subjects, scenes: B each, on one device.
        aus: AU coefficients in [0, 1], float32 (B, 17) in the order of ``AU_LABELS``, or (B, 2, 17) with the
            left side of the image first.
        size: side of the image in pixels, 64 to 512.
        framing: the section of the image plane that the image shows.
        compiled: use ``torch.compile``: minutes of compilation, then about twice as fast on a CPU. Values are within
            1e-4 of the eager ones, not equal to them: use it for training, not for evaluation sets.

    Raises:
        ValueError: sizes or shapes do not fit.
    """
    if not MIN_SIZE <= size <= MAX_SIZE:
        raise ValueError(f"size must be between {MIN_SIZE} and {MAX_SIZE} pixels, not {size}")
    if not len(subjects) == len(scenes) == len(aus) or aus.shape[-1] != 17:
        raise ValueError("render needs as many subjects as scenes and AU vectors of 17 coefficients")
    render_chunk = _compiled_chunk() if compiled else _render_chunk
    chunks = []
    with torch.inference_mode():
        for start in range(0, len(aus), CHUNK):
            index = torch.arange(start, min(start + CHUNK, len(aus)), device=aus.device)
            count = len(index)
            if compiled:  # one shape: another one would be compiled again
                index = torch.cat([index, index[-1:].expand(CHUNK - count)])
            part = render_chunk(subjects.select(index), scenes.select(index), aus[index], size, framing)
            chunks.append({name: value[:count] for name, value in vars(part).items()})
        return Rendered(**{f.name: torch.cat([chunk[f.name] for chunk in chunks]) for f in fields(Rendered)})


@lru_cache(maxsize=1)
def _compiled_chunk() -> Callable[..., Rendered]:
    return torch.compile(_render_chunk)


def render_face(face: Face, grid: Grid, scenes: Scenes, lights: Light) -> Canvas:
    """Render the face on the canonical grid: skin, relief and light, then the features."""
    s = face.subject
    out, down = displacement(face, grid)
    skin_x = grid.x[None, None, :] - out + col(s["skew"]) * torch.sin(4 * grid.y)[None, :, None]
    skin_y = grid.y[None, :, None] - down
    noise = sample(
        slice(BLOTCHES, PORES + 1), skin_x * 0.9 + col(s["texture_x"]), skin_y * 0.9 + col(s["texture_y"])
    )
    empty = torch.zeros_like(skin_x)
    canvas = Canvas(
        grid=grid,
        face=face,
        skin_x=skin_x,
        skin_y=skin_y,
        noise=noise,
        relief=relief(face, grid),
        shadow=shadow(face, grid, scenes["light_azimuth"]),
        colour=torch.empty(len(s), 3, *skin_x.shape[1:], device=skin_x.device),
        gloss=empty.clone(),
        light=empty,
        eyes=empty.clone(),
        mouth=empty.clone(),
    )
    render_skin(canvas)
    add_folds(canvas)
    shape_lips(canvas)
    canvas.relief += detail(canvas)
    shade(canvas, lights)
    render_nose(canvas)
    render_mouth(canvas)
    render_eyes(canvas, scenes, lights)
    render_brows(canvas)
    glasses.render_glasses(canvas)
    return canvas


def _render_chunk(subjects: Subjects, scenes: Scenes, aus: Tensor, size: int, framing: Framing) -> Rendered:
    device = str(aus.device)
    pixel = framing.height / size
    grid = make_grid(round(pixel, 9), device)
    face, s = place_features(subjects, aus), subjects
    pose = pose_of(scenes, face)
    lights = scene_light(scenes, pose)
    canvas = render_face(face, grid, scenes, lights)

    small = max(MIN_SIZE, size // CAST_REDUCTION) if size > MIN_SIZE else size
    coarse = cast_rays(small, framing, face, pose)
    view = upsample(coarse, size)
    shell = hair.upsample(hair.shell(coarse, face, pose, s["hair_top"], s["hair_side"]), size)
    hair_texture = hair.hair_texture(shell, face)
    strands = hair.hair_colour(shell, hair_texture, face, lights)
    covered = bool((s["cover"] > 0).any())
    bare = col(s["cover_hair"])

    image = render_background(scenes, size)
    over(image, strands * 0.68, (hair.hair_back(shell, hair_texture, face, pixel) * bare)[:, None])
    if bool((s["hair_bun"] > 0).any()):
        hair.render_bun(image, view, hair_texture, face, pose, lights, pixel)
    if covered:
        hair.render_cover(image, view, face, pose, lights, pixel, behind=True)
    body.render_neck(image, view, face, pose, lights, pixel)
    radius, nearer = body.ear_masks(view, face, pose)
    body.render_ears(image, radius, torch.ones_like(nearer), view, face, lights, pixel)

    texture = torch.cat([to_display(canvas.colour), canvas.eyes[:, None], canvas.mouth[:, None]], 1)
    seen = F.grid_sample(
        texture, to_texture(view.x, view.y), mode="bilinear", padding_mode="border", align_corners=False
    )
    head = step(view.inside, 0.75 * pixel)
    front = hair.hair_front(shell, hair_texture, face, pixel) * bare
    # Shadow of the hair on the skin below it.
    hair_shadow = F.avg_pool2d(
        front,
        2 * (max(1, round(0.035 / pixel)) // 2) + 1,
        stride=1,
        padding=max(1, round(0.035 / pixel)) // 2,
    )
    skin = seen[:, :3] * (1 - 0.22 * hair_shadow)[:, None]
    over(image, skin, head[:, None])
    body.render_ears(image, radius, nearer, view, face, lights, pixel)
    over(image, strands, front[:, None])
    if covered:
        hair.render_cover(image, view, face, pose, lights, pixel, behind=False)
    image = apply_camera(image, scenes)
    shown = head * (1 - front)
    return Rendered(
        image=image,
        face_mask=shown[:, None],
        eye_mask=(seen[:, 3] * head)[:, None],
        mouth_mask=(seen[:, 4] * head)[:, None],
        landmarks=landmarks(face, grid, pose, framing, size),
    )


__all__ = ["CLOSE", "Framing", "Rendered", "render", "render_face", "upsample"]
