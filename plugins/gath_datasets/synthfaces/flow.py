"""Dense flow between two expressions of one subject in one scene, from the surfaces of the renderer.

For each pixel of the *target* image, the flow gives the position of the same surface point in the *source* image:
``target(p) ~ source(p + flow(p))``, in pixels, the input of `warp`. Skin follows the displacement field, lips follow
the mouth curves, the eyeball is fixed. Points that the source hides (teeth, the iris of a closed eye) have no true
flow.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from gath_datasets.synthfaces.deform import displacement
from gath_datasets.synthfaces.eyes import BOX as EYE_BOX
from gath_datasets.synthfaces.eyes import opening, profile_lower, profile_upper
from gath_datasets.synthfaces.geometry import (
    CLOSE,
    Framing,
    cast_rays,
    make_grid,
    pose_of,
    project,
    to_texture,
)
from gath_datasets.synthfaces.landmarks import displace
from gath_datasets.synthfaces.layout import Face, place_features
from gath_datasets.synthfaces.maths import ramp, step
from gath_datasets.synthfaces.mouth import curves
from gath_datasets.synthfaces.scene import Scenes
from gath_datasets.synthfaces.subject import Subjects

#: The motion of the lips blends into that of the skin over this distance, in face units.
LIP_BAND = 0.045


def flow(
    subjects: Subjects,
    scenes: Scenes,
    source_aus: Tensor,
    target_aus: Tensor,
    size: int = 128,
    *,
    framing: Framing = CLOSE,
) -> Tensor:
    """Backward flow (dx, dy) in pixels, float32 (B, 2, H, W); zero outside the head and where nothing moves."""
    with torch.inference_mode():
        grid = make_grid(round(framing.height / size, 9), str(source_aus.device))
        source, target = place_features(subjects, source_aus), place_features(subjects, target_aus)
        pose = pose_of(scenes, target)
        view = cast_rays(size, framing, target, pose)
        field = torch.stack(displacement(target, grid), 1)
        moved = F.grid_sample(field, to_texture(view.x, view.y), padding_mode="border", align_corners=False)
        skin = displace(view.x - moved[:, 0], view.y - moved[:, 1], *displacement(source, grid))
        # Both fields are solved the same way, so that rounding cancels where nothing changed.
        rest = displace(view.x - moved[:, 0], view.y - moved[:, 1], field[:, 0], field[:, 1])
        x, y = view.x + (skin - rest)[..., 0], view.y + (skin - rest)[..., 1]
        x, y = _lips(source, target, view.x, view.y, x, y)
        still = _eyeballs(target, view.x, view.y)
        x, y = x + (view.x - x) * still, y + (view.y - y) * still
        shift = project(x, y, source, pose, framing, size) - project(
            view.x, view.y, target, pose, framing, size
        )
        on_head = step(view.inside, framing.height / size)
        return (shift * on_head[..., None]).permute(0, 3, 1, 2).contiguous()


def _lips(source: Face, target: Face, tx: Tensor, ty: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Replace the motion of the skin by that of the mouth curves on and near the lips."""
    source_width = torch.where(tx < 0, source.mouth_width[:, :1, None], source.mouth_width[:, 1:, None])
    target_width = torch.where(tx < 0, target.mouth_width[:, :1, None], target.mouth_width[:, 1:, None])
    beyond = (tx / target_width).abs()
    s = (tx / target_width).clamp(-1, 1)
    m, o = curves(target, s * target_width), curves(source, s * source_width)

    def knots(c: object) -> list[Tensor]:
        return [getattr(c, name) for name in ("upper_out", "upper_in", "lower_in", "lower_out")]

    new, old = knots(m), knots(o)
    lip_y = old[0] + (ty - new[0])
    for a in range(3):
        span = (new[a + 1] - new[a]).clamp(min=1e-4)
        t = ((ty - new[a]) / span).clamp(0, 1)
        lip_y = torch.where(ty > new[a], old[a] + t * (old[a + 1] - old[a]), lip_y)
    lip_y = torch.where(ty > new[3], old[3] + (ty - new[3]), lip_y)
    lip_x = tx + s * (source_width - target_width)
    far = torch.maximum(new[0] - ty, ty - new[3]).clamp(min=0)
    near = ramp(far, LIP_BAND, 0.0) * ramp(beyond, 1.30, 1.0)
    return x + (lip_x - x) * near, y + (lip_y - y) * near


def _eyeballs(face: Face, x: Tensor, y: Tensor) -> Tensor:
    """1 inside the open eyes."""
    s = face.subject
    up, low = opening(face)
    side = (x > 0).long()
    eye_x = torch.where(side == 1, face.eye_x[:, 1:, None], face.eye_x[:, :1, None])
    eye_y = torch.where(side == 1, face.eye_y[:, 1:, None], face.eye_y[:, :1, None])
    high = torch.where(side == 1, up[:, 1:, None], up[:, :1, None])
    deep = torch.where(side == 1, low[:, 1:, None], low[:, :1, None])
    wide = s["eye_width"][:, None, None]
    u = (x.abs() - eye_x) / wide
    v = (y - eye_y) / wide + s["eye_tilt"][:, None, None] * u
    gap = torch.minimum(v + high * profile_upper(u), deep * profile_lower(u) - v)
    return step(gap, 0.06) * ((x.abs() > EYE_BOX[0]) & (u.abs() < 1)).float()


def warp(image: Tensor, motion: Tensor) -> Tensor:
    """Sample a source image (B, C, H, W) at p + flow(p), which estimates the target image."""
    size = image.shape[-1]
    axis = torch.arange(size, device=image.device, dtype=torch.float32)
    x = (axis[None, None, :] + motion[:, 0] + 0.5) / size * 2 - 1
    y = (axis[None, :, None] + motion[:, 1] + 0.5) / size * 2 - 1
    return F.grid_sample(
        image, torch.stack([x, y], -1), mode="bilinear", padding_mode="border", align_corners=False
    )
