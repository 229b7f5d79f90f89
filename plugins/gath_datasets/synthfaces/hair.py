"""Hair and head covers: a shell around the skull that rotates with the head, with an opening for the face."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from gath_datasets.synthfaces.geometry import Pose, View, power
from gath_datasets.synthfaces.layout import Face
from gath_datasets.synthfaces.maths import bell, col, over, ramp, rgb, step
from gath_datasets.synthfaces.noise import CURLS, PORES, STRANDS, sample
from gath_datasets.synthfaces.shading import Light, shade_matte, to_display


@dataclass(frozen=True)
class Shell:
    """The visible side of a shell, per pixel; all (B, H, W).

    Attributes:
        angle: angle around the axis of the head from the nose, radians, of the nearer surface.
        across: distance from the axis of the rotated shell, face units.
        y: height, canonical.
        inside: distance inside the silhouette, face units.
    """

    angle: Tensor
    across: Tensor
    y: Tensor
    inside: Tensor


def shell(view: View, face: Face, pose: Pose, top: Tensor, side: Tensor) -> Shell:
    """A shell at a distance of ``top`` above and ``side`` beside the skull, (B,) each; vertical below the eyes."""
    s = face.subject
    width, depth = col(s["face_width"] + side), col(s["depth"] + 0.5 * side)
    crown = col(s["crown_y"] + top)
    reach = torch.sqrt((width * pose.cos_yaw) ** 2 + (depth * pose.sin_yaw) ** 2)
    lag = torch.atan2((depth * pose.sin_yaw).double(), (width * pose.cos_yaw).double()).float()
    across = view.plane_x + pose.pivot * pose.sin_yaw
    up = (view.y / -crown).clamp(0, 1.5)
    p = 2.9
    r = power(1 - power(up.clamp(max=0.999), p), 1 / p)
    f = power(power((across / reach).abs(), p) + power(up, p), 1 / p)
    angle = torch.asin((across / (reach * r)).clamp(-0.9999, 0.9999)) - lag
    return Shell(angle, across, view.y, (1 - f) * reach)


def upsample(small: Shell, size: int) -> Shell:
    """The same shell at another size."""
    if small.y.shape[-1] == size:
        return small
    stack = torch.stack([small.angle, small.across, small.y, small.inside], 1)
    return Shell(*F.interpolate(stack, size=(size, size), mode="bilinear", align_corners=False).unbind(1))


@dataclass(frozen=True)
class HairTexture:
    """Hair textures over the image: strand brightness and curl pattern, (B, H, W)."""

    strand: Tensor
    curl: Tensor


def hair_texture(hair: Shell, face: Face) -> HairTexture:
    """Strands spread from the parting, with waves; curls are isotropic noise."""
    s = face.subject
    wave = (
        0.030
        * col(s["hair_wave"])
        * torch.sin(hair.y * 15 + 6.28 * col(s["texture_x"]) + 2.5 * hair.across.abs())
    )
    x = hair.across - col(s["hair_part"]) * ramp(hair.y, 0.1, -0.5) + wave
    fan = x / (hair.y + 1.45)
    strand = sample(
        slice(STRANDS, STRANDS + 1), fan * 1.15 + col(s["texture_x"]), hair.y * 0.38 + col(s["texture_y"])
    )[:, 0]
    if not bool((s["hair_curl"] > 0).any()):
        return HairTexture(strand, torch.zeros_like(strand))
    curl = sample(
        slice(CURLS, CURLS + 1), hair.across * 0.8 + col(s["texture_x"]), hair.y * 0.8 + col(s["texture_y"])
    )[:, 0]
    curly = col(s["hair_curl"].clamp(0, 1))
    return HairTexture(strand + (curl * 0.9 - strand) * curly, curl * curly)


def _coverage(
    hair: Shell, edge: Tensor, opening: Tensor, end: Tensor, soft: Tensor | float, ragged: Tensor
) -> Tensor:
    """Coverage of the front by a shell: above ``edge``, or beyond ``opening`` and above ``end``."""
    top = step(edge - hair.y + 0.020 * ragged, soft)
    side = step((hair.angle.abs() - opening) * 0.36 + 0.012 * ragged, soft) * step(
        end - hair.y + 0.03 * ragged, soft
    )
    return torch.maximum(top, side)


def hair_front(hair: Shell, texture: HairTexture, face: Face, pixel: float) -> Tensor:
    """Coverage of the hair in front of the face, (B, H, W)."""
    s = face.subject
    a = hair.angle
    recede = col(s["receding"])
    line = col(s["hairline"]) + 0.105 * power((a / 1.05).abs(), 3.0).clamp(max=1.6)
    line = (
        line
        - 0.105 * recede * bell(a.abs(), 0.62, 0.30)
        - 0.05 * recede
        + 0.030 * col(s["peak"]) * bell(a, 0.0, 0.14)
    )
    swing = (a - col(s["hair_part"]) * 2.4) / 1.1
    fringe = col(s["hair_fringe"]) * (0.75 + 0.35 * swing * torch.sign(-col(s["hair_part"]) - 1e-6)).clamp(
        0.2, 1.2
    )
    parting = 0.022 * bell(hair.across, col(s["hair_part"]), 0.035) * (col(s["hair_fringe"]) > 0.01)
    line = line + fringe - parting
    soft = (
        0.020 + pixel * 0.8 - 0.006 * ramp(col(s["hair_fringe"]), 0.0, 0.1) + 0.010 * col(s["hair_shortness"])
    )
    ragged = texture.strand * (0.35 + 4.0 * col(s["hair_fringe"])).clamp(max=0.9)
    cover = _coverage(hair, line, col(s["hair_opening"]), col(s["hair_side_end"]), soft, ragged)
    outline = step(hair.inside + 0.013 * texture.curl.clamp(-1, 1) + 0.003 * texture.strand, 0.006 + pixel)
    thin = 1 - col(_scalp_share(s["hair_shortness"], s["age"]))
    return cover * outline * thin


def _scalp_share(shortness: Tensor, age: Tensor) -> Tensor:
    """Share of the scalp that shows through the hair: 0 for strands, nearly 1 for a bald head."""
    return torch.where(shortness > 0.9, 0.93 + 0.05 * age, 0.30 * shortness)


def hair_back(hair: Shell, texture: HairTexture, face: Face, pixel: float) -> Tensor:
    """Coverage of the hair behind the neck, (B, H, W)."""
    s = face.subject
    flare = 0.05 * ramp(hair.y, 0.1, 0.7) * (col(s["hair_length"]) > 0.3)
    body = step(
        hair.inside + flare + 0.013 * texture.curl.clamp(-1, 1) + 0.004 * texture.strand, 0.008 + pixel
    )
    return (
        body
        * step(col(s["hair_length"]) - hair.y + 0.025 * texture.strand.clamp(-1, 1), 0.035)
        * (1 - ramp(col(s["hair_shortness"]), 0.3, 0.7))
    )


def hair_colour(hair: Shell, texture: HairTexture, face: Face, lights: Light) -> Tensor:
    """Display colour of the hair, (B, 3, H, W)."""
    s = face.subject
    lx, ly, lz = (col(t) for t in lights.world.unbind(-1))
    reach = col(s["face_width"] + s["hair_side"])
    nx = (hair.across / reach).clamp(-1, 1)
    ny = (hair.y / col(s["crown_y"])).clamp(-1, 0.2) * 0.8
    toward = nx * lx + ny * ly + 0.62 * lz
    amount = (0.30 + 0.62 * toward).clamp(0.06, 1.1) * (0.86 + 0.26 * texture.strand).clamp(min=0.25)
    base = s["hair_colour"] ** 2
    light = rgb(lights.key) * amount[:, None] + rgb(lights.fill) * (0.75 + 0.12 * texture.strand)[:, None]
    sheen = (
        bell(hair.y + 0.03 * texture.strand + 0.25 * nx * nx, -0.42, 0.11)
        * (toward + 0.2).clamp(0, 1)
        * (0.5 + 0.30 * texture.strand)
    )
    sheen = sheen.clamp(min=0) * col((1 - 0.8 * s["hair_curl"].clamp(0, 1)) * (1 - s["hair_shortness"]))
    glow = rgb(base * 0.75 + 0.075) * sheen[:, None] * rgb(lights.key)
    return to_display(rgb(base) * light + glow)


def render_bun(
    image: Tensor, view: View, texture: HairTexture, face: Face, pose: Pose, lights: Light, pixel: float
) -> None:
    """Render a bun on top of the head."""
    s = face.subject
    size = col(s["hair_bun"]).clamp(min=1e-3)
    x = (view.plane_x + (pose.pivot * 1.0) * pose.sin_yaw) / (size * 1.25)
    y = (view.plane_y + col(s["crown_y"]) + 0.55 * size) / size
    f = torch.sqrt(x * x + y * y + 1e-6)
    mask = step((1 - f) * size, 0.004 + pixel) * (col(s["hair_bun"]) > 0.01)
    amount = (0.55 - 0.35 * y + 0.25 * x * col(lights.world[:, 0])).clamp(0.1, 1) * (
        0.85 + 0.2 * texture.strand
    )
    over(image, shade_matte(s["hair_colour"], amount.clamp(0.05, 1.1), lights), mask[:, None])


def render_cover(
    image: Tensor, view: View, face: Face, pose: Pose, lights: Light, pixel: float, *, behind: bool
) -> None:
    """Render a beanie, headscarf, turban or headband: the part behind the head, or the front."""
    s = face.subject
    cloth = shell(view, face, pose, s["cover_top"], s["cover_side"])
    worn = col((s["cover"] > 0).float())
    folds = torch.sin(cloth.y * 34 + 20 * cloth.across * cloth.across + 3 * torch.sin(cloth.across * 9))
    folds = folds * (col((s["cover"] >= 2).float()) * 0.8 + 0.2)
    wool = sample(slice(PORES, PORES + 1), cloth.across * 1.3, cloth.y * 1.3)[:, 0]
    flat = torch.zeros_like(cloth.y)
    if behind:
        mask = step(cloth.inside, pixel) * col(s["cover_back"])
    else:
        end, edge = (
            col(s["cover_end"]),
            col(s["cover_edge"]) + 0.10 * power((cloth.angle / 1.1).abs(), 3.0).clamp(max=1.6),
        )
        mask = _coverage(cloth, edge, col(s["cover_opening"]), end, 0.004 + pixel, flat) * step(
            cloth.inside, pixel
        )
        # A headscarf closes under the chin; a headband does not cover the crown.
        chin = step(cloth.y - col(face.chin_y) - 0.01 + 0.55 * cloth.across**2, 0.004 + pixel) * col(
            s["cover_back"]
        )
        mask = torch.maximum(mask, chin * step(cloth.inside + 0.04, pixel))
        band = (s["cover"] == 4).float()
        mask = mask * (1 - col(band) * step(edge - 0.085 - cloth.y, 0.004 + pixel))
    lx, ly, lz = (col(t) for t in lights.world.unbind(-1))
    nx = (cloth.across / col(s["face_width"] + s["cover_side"])).clamp(-1, 1)
    toward = 0.35 + 0.55 * (nx * lx + (cloth.y / col(s["crown_y"])).clamp(-1, 0.2) * 0.8 * ly + 0.62 * lz)
    amount = toward * (1 + 0.13 * folds + 0.05 * wool) * (0.45 if behind else 1.0)
    over(image, shade_matte(s["cover_colour"], amount.clamp(0.05, 1.1), lights), (mask * worn)[:, None])
