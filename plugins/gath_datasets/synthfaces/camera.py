"""Camera effects: blur, colour cast and noise, sampled by ``draw_scenes(randomise=...)``."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from gath_datasets.synthfaces.maths import rgb
from gath_datasets.synthfaces.noise import PORES, sample
from gath_datasets.synthfaces.scene import Scenes


def apply_camera(image: Tensor, scenes: Scenes) -> Tensor:
    """Apply the camera effects to display values (B, 3, H, W); an effect that no scene has is skipped."""
    if bool((scenes["blur"] > 0).any()):
        soft = F.avg_pool2d(F.pad(image, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
        image = image + (soft - image) * scenes["blur"][:, None, None, None]
    if bool((scenes["cast"] != 1).any()):
        image = image * rgb(scenes["cast"])
    if bool((scenes["noise"] > 0).any()):
        size = image.shape[-1]
        axis = torch.arange(size, device=image.device, dtype=torch.float32) * 0.6180
        x = axis[None, None, :] + scenes["grain_x"][:, None, None]
        y = axis[None, :, None] * 1.1 + scenes["grain_y"][:, None, None]
        grain = sample(slice(PORES - 1, PORES + 2), (x + 0 * y).contiguous(), (y + 0 * x).contiguous())
        image = image + grain * scenes["noise"][:, None, None, None]
    return image.clamp(0, 1)
