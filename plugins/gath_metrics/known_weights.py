"""The ImageNet weights of torchvision that LPIPS uses, and the Inception weights of FID and KID."""

from __future__ import annotations

from gath_bench.contracts import WeightsSpec

_URL = "https://download.pytorch.org/models"
_LICENCE = "BSD-3-Clause (torchvision)"
#: Where torchvision keeps its downloads: `torch.hub.get_dir()`, computed without importing torch.
_TORCH_FOLDERS = (
    "$TORCH_HOME/hub/checkpoints",
    "$XDG_CACHE_HOME/torch/hub/checkpoints",
    "~/.cache/torch/hub/checkpoints",
)

# The file names of torchvision end in the first eight digits of the SHA-256.
ALEXNET = WeightsSpec(
    name="alexnet",
    files=("alexnet-owt-7be5be79.pth", "alexnet-features.safetensors"),
    summary="torchvision's AlexNet (IMAGENET1K_V1), 244 MB, or its convolutional part",
    licence=_LICENCE,
    url=f"{_URL}/alexnet-owt-7be5be79.pth",
    sha256="7be5be791159472b1fbf3c69796f7cb30dca7ad8466c2df70058c37116cdee02",
    folders=_TORCH_FOLDERS,
)
VGG16 = WeightsSpec(
    name="vgg16",
    files=("vgg16-397923af.pth", "vgg16-features.safetensors"),
    summary="torchvision's VGG16 (IMAGENET1K_V1), or its convolutional part",
    licence=_LICENCE,
    url=f"{_URL}/vgg16-397923af.pth",
    sha256="397923af",
    folders=_TORCH_FOLDERS,
)
SQUEEZENET = WeightsSpec(
    name="squeezenet",
    files=("squeezenet1_1-b8a52dc0.pth", "squeezenet1_1-features.safetensors"),
    summary="torchvision's SqueezeNet 1.1 (IMAGENET1K_V1), or its convolutional part",
    licence=_LICENCE,
    url=f"{_URL}/squeezenet1_1-b8a52dc0.pth",
    sha256="b8a52dc0",
    folders=_TORCH_FOLDERS,
)
#: TensorFlow's weights of 2015-12-05, converted by torch-fidelity.
INCEPTION_V3 = WeightsSpec(
    name="inception",
    files=("weights-inception-2015-12-05-6726825d.pth",),
    summary="the Inception network of FID and KID, as torch-fidelity publishes it",
    licence="Apache-2.0",
    url="https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/weights-inception-2015-12-05-6726825d.pth",
    sha256="6726825d",
    folders=_TORCH_FOLDERS,
)
