"""Every loss as a pure function: tensors in, one number out. Their weights are part of the configuration."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


def hinge_real(logits: Tensor) -> Tensor:
    """D on real examples: mean max(0, 1 - D(x)) over samples and patches (Lim & Ye, 2017)."""
    return F.relu(1 - logits).mean()


def hinge_fake(logits: Tensor) -> Tensor:
    """D on generated or mislabelled examples: mean max(0, 1 + D(x)) over samples and patches (Lim & Ye, 2017)."""
    return F.relu(1 + logits).mean()


def adversarial(logits: Tensor) -> Tensor:
    """G against D: -mean D(G(x)) (Lim & Ye, 2017)."""
    return -logits.mean()


def paired(higher: Tensor, lower: Tensor) -> Tensor:
    """Mean log(1 + exp(-(D(a) - D(b)))) over samples and patches (Jolicoeur-Martineau, ICLR 2019).

    D minimises it with ``a`` the true target and ``b`` the generated image of the same clip, G with the two exchanged.
    """
    return F.softplus(lower - higher).mean()


def drift(logits: Tensor) -> Tensor:
    """Square of the mean logit of D (Karras et al., Progressive Growing of GANs, ICLR 2018, appendix A).

    `paired` depends on differences only, so that the logits would grow without bound, and lose precision in bfloat16.
    """
    return logits.mean().square()


def r1(logits: Tensor, images: Tensor) -> Tensor:
    """Gradient penalty on real images: mean ||d sum D(x) / dx||² (Mescheder et al., ICML 2018).

    Patch logits are averaged over space first, so that the penalty does not grow with their number.

    Args:
        logits: (B,) or (B, 1, h, w), computed from ``images``, which require a gradient.
    """
    (gradient,) = torch.autograd.grad(
        logits.reshape(len(images), -1).mean(1).sum(), images, create_graph=True
    )
    return gradient.square().flatten(1).sum(1).mean()


def estimation(found: Tensor, aus: Tensor) -> Tensor:
    """E on frames: mean (E(x) - a)²; squared, since the minimum of an absolute error is 0 for every rare AU."""
    return F.mse_loss(found, aus)


def classification(cosines: Tensor, identity: Tensor, scale: float, margin: float) -> Tensor:
    """C on stills: softmax cross-entropy of s (cos - m [own class]) (Wang et al., CosFace, CVPR 2018)."""
    own = F.one_hot(identity, cosines.shape[1]).to(cosines)
    return F.cross_entropy(scale * (cosines - margin * own), identity)


def identity_distance(source: Tensor, generated: Tensor) -> Tensor:
    """1 - cos(C(x), C(G(x))), mean; both are unit embeddings (B, D)."""
    return (1 - (source * generated).sum(1)).mean()


def au_error(found: Tensor, target: Tensor, source: Tensor, *, squared: bool, emphasis: float) -> Tensor:
    """sum_k w_k d(E(G(x))_k, t_k) / sum_k w_k, with w_k = 1 + emphasis |t_k - s_k|.

    AUs for which a change is requested have more weight.

    Args:
        found, target, source: (B, K): of the generated image as E reads it, requested, of the portrait as E reads it.
        squared: d is the square of the difference, else its absolute value.
        emphasis: 0 weighs all AUs equally.
    """
    weight = 1 + emphasis * (target - source).abs()
    distance = (found - target).square() if squared else (found - target).abs()
    return (weight * distance).sum() / weight.sum()


def reconstruction(generated: Tensor, source: Tensor) -> Tensor:
    """Mean |G(..) - x|: for the cycle G(G(x, t), E(x)), for no requested change G(x, E(x)), and for any change."""
    return (generated - source).abs().mean()


def magnitude(mask: Tensor) -> Tensor:
    """Mean of a mask in [0, 1] (after Pumarola et al., GANimation, ECCV 2018)."""
    return mask.mean()


def flow_length(flow: Tensor) -> Tensor:
    """Mean |flow|, as a share of the side."""
    return flow.abs().mean()


def flow_roughness(flow: Tensor) -> Tensor:
    """Mean absolute second difference of the flow, along x and y: affine maps are free, folds and tears are not."""
    along_x = flow[..., 2:] - 2 * flow[..., 1:-1] + flow[..., :-2]
    along_y = flow[..., 2:, :] - 2 * flow[..., 1:-1, :] + flow[..., :-2, :]
    return along_x.abs().mean() + along_y.abs().mean()


def total_variation(image: Tensor) -> Tensor:
    """Mean |difference of neighbours| along x and y (Rudin, Osher & Fatemi, 1992, anisotropic)."""
    return (image.diff(dim=-1).abs().mean()) + (image.diff(dim=-2).abs().mean())


def changed_region(source: Tensor, target: Tensor) -> Tensor:
    """(B, 1, H, W), 1 where any channel differs by more than 2/255, else 0."""
    return ((source - target).abs().amax(1, keepdim=True) > 2 / 255).float()


def region_error(image: Tensor, target: Tensor, region: Tensor) -> Tensor:
    """Mean |image - target| over a region (B, 1, H, W) of weights; 0 for an empty region."""
    error = (image - target).abs().mean(1, keepdim=True)
    return (error * region).sum() / region.sum().clamp(min=1)


def edge_error(image: Tensor, target: Tensor) -> Tensor:
    """Mean |difference of the derivatives| along x, plus the same along y."""
    difference = image - target
    return difference.diff(dim=-1).abs().mean() + difference.diff(dim=-2).abs().mean()


def feature_distance(features: Sequence[Tensor], target: Sequence[Tensor]) -> Tensor:
    """Sum over layers of the mean squared distance of feature vectors of unit length.

    As in LPIPS (Zhang et al., CVPR 2018) without learnt weights.

    Args:
        features, target: per layer (B, C, H, W) or (B, C).
    """
    total = features[0].new_zeros((), dtype=torch.float32)
    for ours, theirs in zip(features, target, strict=True):
        a, b = (f.float() / (f.float().norm(dim=1, keepdim=True) + 1e-3) for f in (ours, theirs))
        total = total + (a - b).square().sum(1).mean()
    return total
