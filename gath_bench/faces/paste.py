"""From the aligned crop back into the full image, at the image's own resolution.

Pixels outside the crop are never touched: they are identical to the input's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gath_bench.contracts.face import FaceEdit
from gath_bench.faces.align import SimilarityTransform, crop_corners, extract

if TYPE_CHECKING:
    from torch import Tensor

#: Width of the feathered border as a share of the crop's side.
FEATHER = 0.12
#: Displacements below this many pixels count as none: the pixel is kept as it is.
_STILL = 1e-3
#: Differences of colour at which `paste_back` begins and ceases to keep the original's detail.
_SAME, _OTHER = 0.02, 0.12
#: Side of the grid on which the colour difference at the border is continued into the crop.
_MEMBRANE = 24


def feather(size: int, width: float = FEATHER) -> Tensor:
    """A mask that is 1 inside and falls smoothly to 0 at the border, (1, size, size).

    Args:
        size: side of the crop in pixels.
        width: of the border as a share of the side, in (0, 0.5].
    """
    import torch

    axis = (torch.arange(size) + 0.5) / size
    ramp = (torch.minimum(axis, 1 - axis) / width).clamp(0, 1)
    ramp = ramp * ramp * (3 - 2 * ramp)
    return (ramp[None, :, None] * ramp[None, None, :]).contiguous()


def apply_edit(
    original: Tensor,
    edit: FaceEdit,
    transform: SimilarityTransform,
    size: int,
    *,
    mask: Tensor | None = None,
) -> Tensor:
    """Apply a model's flow, opacity and added colour to the original pixels of a crop.

    The fields are enlarged to the image's resolution (bicubic) and multiplied by ``mask``, so that all three
    vanish at the crop's border: there is no seam, and no image is blended with another. Where nothing moves
    and no colour is added, a pixel keeps its exact value.

    Args:
        original: float32 (3, H, W) in [0, 1].
        edit: of one portrait (B = 1), at any resolution.
        transform: from crop to image, as `align` gave it.
        size: side of the crop in pixels that ``transform`` refers to.
        mask: (1, size, size) in [0, 1], where the edit applies; `feather` by default.

    Returns:
        float32 (3, H, W) in [0, 1]; identical to ``original`` outside the crop.
    """
    import torch
    import torch.nn.functional as F

    covered = _Covered.of(original, transform, size)
    if covered is None:
        return original.clone()
    where = feather(size) if mask is None else mask
    strength = covered.sample(where).clamp(0, 1) * covered.inside
    flow = covered.sample(edit.flow[0]) * strength
    opacity = covered.sample(edit.opacity[0]).clamp(0, 1) * strength
    added = covered.sample(edit.added[0]) * strength
    # The flow is in shares of the crop's side along the crop's axes.
    side, zero = transform.scale * size, transform.angle
    move_x = side * (math.cos(zero) * flow[0] - math.sin(zero) * flow[1])
    move_y = side * (math.sin(zero) * flow[0] + math.cos(zero) * flow[1])
    height, width = original.shape[-2:]
    grid = torch.stack(
        [(covered.x + move_x + 0.5) / width * 2 - 1, (covered.y + move_y + 0.5) / height * 2 - 1], -1
    )
    moved = F.grid_sample(
        original[None], grid[None], mode="bicubic", padding_mode="border", align_corners=False
    )[0]
    kept = covered.cut(original)
    still = (move_x.abs() + move_y.abs()) < _STILL
    moved = torch.where(still, kept, moved)
    return covered.put(original, ((1 - opacity) * moved + added).clamp(0, 1))


def apply_to_crop(crops: Tensor, edit: FaceEdit) -> Tensor:
    """The equation of `FaceEdit` at the model's own resolution: what the model itself returns.

    Args:
        crops: (B, 3, h, w) in [0, 1], of the fields' size.
        edit: the fields of B portraits.
    """
    import torch
    import torch.nn.functional as F

    height, width = crops.shape[-2:]
    x = (torch.arange(width, device=crops.device) + 0.5) / width
    y = (torch.arange(height, device=crops.device) + 0.5) / height
    grid = torch.stack([x[None, None, :] + edit.flow[:, 0], y[None, :, None] + edit.flow[:, 1]], -1) * 2 - 1
    moved = F.grid_sample(crops, grid, mode="bilinear", padding_mode="border", align_corners=False)
    return ((1 - edit.opacity) * moved + edit.added).clamp(0, 1)


def paste_back(
    original: Tensor,
    crop: Tensor,
    transform: SimilarityTransform,
    *,
    before: Tensor | None = None,
    mask: Tensor | None = None,
    match_colour: bool = True,
) -> Tensor:
    """Put an edited crop back into the image it was cut from.

    The crop is enlarged and blended with a feathered mask. Two measures hide that it is coarser than the image:

    - *Detail.* Where the edited crop equals the unedited one, the original's pixels are kept, hence an unchanged crop
      gives the original back. The original's fine detail fades out where the crop changed.
    - *Colour.* The difference between edited and unedited crop along the border is continued smoothly into the crop
      (a membrane: harmonic interpolation, as in Perez et al., Poisson Image Editing, SIGGRAPH 2003) and subtracted.

    Args:
        original: float32 (3, H, W) in [0, 1].
        crop: the edited crop, float32 (3, size, size).
        transform: from crop to image, as `align` gave it.
        before: the unedited crop as the model saw it (rounded to 8 bits, say); cut from the original by default.
        mask: (1, size, size) in [0, 1], where the crop applies; `feather` by default.
        match_colour: subtract the colour difference at the border.

    Returns:
        float32 (3, H, W) in [0, 1]; identical to ``original`` outside the crop.
    """
    import torch.nn.functional as F

    size = crop.shape[-1]
    covered = _Covered.of(original, transform, size)
    if covered is None:
        return original.clone()
    crop = crop.to(original)
    before = extract(original, transform, size) if before is None else before.to(original)
    change = crop - before
    if match_colour:
        change = change - _membrane(change)
    where = feather(size) if mask is None else mask
    strength = covered.sample(where).clamp(0, 1) * covered.inside
    # Averaged, so that single equal pixels inside a changed part do not let the old detail through.
    amount = F.avg_pool2d(F.pad(change.abs().amax(0)[None, None], (2, 2, 2, 2), mode="replicate"), 5, 1)[0]
    gone = ((amount - _SAME) / (_OTHER - _SAME)).clamp(0, 1)
    kept = covered.cut(original)
    detail = kept - covered.sample(before)
    edited = kept + covered.sample(change) - covered.sample(gone).clamp(0, 1) * detail
    return covered.put(original, (kept + (edited.clamp(0, 1) - kept) * strength))


def _membrane(change: Tensor) -> Tensor:
    """The harmonic continuation of a field's border into its inside, (C, S, S) -> (C, S, S)."""
    import torch
    import torch.nn.functional as F

    small = F.interpolate(change[None], size=(_MEMBRANE, _MEMBRANE), mode="area")[0]
    solution = small.clone()
    border = torch.cat([small[:, 0], small[:, -1], small[:, 1:-1, 0], small[:, 1:-1, -1]], 1)
    solution[:, 1:-1, 1:-1] = border.mean(1)[:, None, None]
    for _ in range(4 * _MEMBRANE):
        mean = (
            solution[:, :-2, 1:-1] + solution[:, 2:, 1:-1] + solution[:, 1:-1, :-2] + solution[:, 1:-1, 2:]
        ) / 4
        solution[:, 1:-1, 1:-1] = mean
    return F.interpolate(solution[None], size=change.shape[-2:], mode="bilinear", align_corners=False)[0]


@dataclass(frozen=True)
class _Covered:
    """The rectangle of an image around a crop.

    Attributes:
        left, top, right, bottom: the rectangle in pixels, right and bottom excluded.
        x, y: image coordinates of its pixels, (h, w).
        u, v: coordinates of its pixels in the crop, for ``grid_sample``, (h, w).
        inside: 1 where the crop lies, else 0, (h, w).
        scale: image pixels per crop pixel.
        size: side of the crop in pixels.
    """

    left: int
    top: int
    right: int
    bottom: int
    x: Tensor
    y: Tensor
    u: Tensor
    v: Tensor
    inside: Tensor
    scale: float
    size: int

    @classmethod
    def of(cls, image: Tensor, transform: SimilarityTransform, size: int) -> _Covered | None:
        """None if the crop lies beside the image."""
        import torch

        height, width = image.shape[-2:]
        corners = crop_corners(transform, size)
        xs, ys = [x for x, _ in corners], [y for _, y in corners]
        left, right = max(0, math.floor(min(xs))), min(width, math.ceil(max(xs)) + 1)
        top, bottom = max(0, math.floor(min(ys))), min(height, math.ceil(max(ys)) + 1)
        if right <= left or bottom <= top:
            return None
        y, x = torch.meshgrid(
            torch.arange(top, bottom, dtype=torch.float32, device=image.device),
            torch.arange(left, right, dtype=torch.float32, device=image.device),
            indexing="ij",
        )
        crop_x, crop_y = transform.invert(x, y)
        u, v = (torch.as_tensor(c + 0.5) / size * 2 - 1 for c in (crop_x, crop_y))
        inside = ((u.abs() <= 1) & (v.abs() <= 1)).float()
        return cls(left, top, right, bottom, x, y, u, v, inside, transform.scale, size)

    def sample(self, field: Tensor) -> Tensor:
        """A field over the crop, (C, h', w') of any resolution, at the pixels of the rectangle, (C, h, w)."""
        import torch
        import torch.nn.functional as F

        field = field.to(self.u)
        reduction = field.shape[-1] / (self.size * self.scale)
        if reduction > 1:  # the image is coarser than the field
            small = [max(1, round(side / reduction)) for side in field.shape[-2:]]
            field = F.interpolate(
                field[None], size=small, mode="bicubic", antialias=True, align_corners=False
            )[0]
        grid = torch.stack([self.u, self.v], -1)[None]
        return F.grid_sample(field[None], grid, mode="bicubic", padding_mode="border", align_corners=False)[0]

    def cut(self, image: Tensor) -> Tensor:
        """The rectangle's pixels."""
        return image[:, self.top : self.bottom, self.left : self.right]

    def put(self, image: Tensor, pixels: Tensor) -> Tensor:
        """A copy of the image with new pixels where the crop lies."""
        import torch

        result = image.clone()
        kept = self.cut(image)
        result[:, self.top : self.bottom, self.left : self.right] = torch.where(self.inside > 0, pixels, kept)
        return result
