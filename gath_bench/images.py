"""Reads and writes images as float32 sRGB in [0, 1], and rounds them to 8 bits.

How `decode` reads a file:

- 16 bits a channel are kept (divided by 65535) in grey, RGB and RGBA; grey with alpha keeps the upper 8.
- EXIF orientation is applied.
- An embedded colour profile is converted to sRGB (at 8 bits). Without a readable profile the values are
  taken as sRGB.
- CMYK becomes RGB by its profile, or by the standard formula; the inverted CMYK of Adobe's JPEG is supported.
- Alpha is composited over white.
- Of an animation or multi-picture file, the first picture is read.
- More than `MAX_PIXELS` pixels are refused; a JPEG is then decoded at a half, a quarter or an eighth of its side.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gath_bench.errors import Unavailable, UsageError
from gath_bench.files import atomic_write, read_regular

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image
    from torch import Tensor

#: The filter of every resize: torch's bicubic (a = -0.5 with antialias), clipped.
RESIZE = "bicubic-antialias"
#: File name suffixes of images, in lower case.
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")

#: The most pixels that are decoded: 64 * 2**20, such as 8192 x 8192.
MAX_PIXELS = 64 * 2**20

_FORMATS = ("PNG", "JPEG", "WEBP")
_ORIENTATION = 0x0112


def read_image(path: Path) -> Tensor:
    """An image file as float32 (3, H, W), sRGB in [0, 1]; see the module's docstring.

    Raises:
        Unavailable: the file is missing, empty, truncated or not an image; the sentence names it.
    """
    import torch

    return torch.from_numpy(decode(path)).permute(2, 0, 1).contiguous()


def decode(path: Path) -> NDArray[np.float32]:
    """An image file as float32 (H, W, 3), sRGB in [0, 1]; `read_image` without the torch tensor.

    Raises:
        Unavailable: the file is missing, empty, truncated or not an image; the sentence names it.
    """
    try:
        data = read_regular(path)
    except OSError as error:
        raise Unavailable(f"{path.name} cannot be read: {error.strerror or error}.") from error
    return decode_bytes(data, path.name)


def decode_bytes(data: bytes, name: str) -> NDArray[np.float32]:
    """The content of an image file as float32 (H, W, 3), sRGB in [0, 1]; see the module's docstring.

    Args:
        data: the content.
        name: what messages call the file.

    Raises:
        Unavailable: the content is empty, truncated or not an image.
    """
    import numpy as np
    from PIL import UnidentifiedImageError

    if not data:
        raise Unavailable(f"{name} is empty.")
    try:
        with _bounded_open(name, data) as image:
            image.load()
            pixels = _deep(data, image)
            if pixels is None:
                pixels = _shallow(image)
            upright = _rotate(_over_white(pixels), image)
    except Unavailable:
        raise
    except UnidentifiedImageError:
        raise Unavailable(f"{name} is not a PNG, JPEG or WebP image.") from None
    except Exception as error:  # decoders raise many types on damaged files
        raise Unavailable(f"{name} is damaged: {str(error) or type(error).__name__}.") from error
    return np.ascontiguousarray(upright, dtype=np.float32)


def _bounded_open(name: str, data: bytes) -> Image.Image:
    """Open an image whose pixels fit into memory: a larger JPEG at a half, a quarter or an eighth of its side.

    Raises:
        Unavailable: it has more than `MAX_PIXELS` pixels, from its header.
    """
    from PIL import Image

    try:
        image = Image.open(io.BytesIO(data), formats=_FORMATS)
    except Image.DecompressionBombError:
        raise Unavailable(f"{name} has more than {MAX_PIXELS >> 20} megapixels: scale it down.") from None
    width, height = image.size
    if image.format == "JPEG" and width * height > MAX_PIXELS:
        factor = 2
        while factor < 8 and width * height > MAX_PIXELS * factor**2:
            factor *= 2
        image.draft(None, (width // factor, height // factor))
        width, height = image.size
    if width * height > MAX_PIXELS:
        raise Unavailable(
            f"{name} is {width}x{height}, more than {MAX_PIXELS >> 20} megapixels: scale it down."
        )
    return image


def size_of(path: Path) -> tuple[int, int]:
    """Width and height of an image after EXIF orientation, from its header.

    Raises:
        Unavailable: the file is missing or not an image.
    """
    from PIL import Image

    try:
        with Image.open(path, formats=_FORMATS) as image:
            width, height = image.size
            return (height, width) if _orientation(image) >= 5 else (width, height)
    except Exception as error:  # as in `decode`
        raise Unavailable(f"{path.name} is not a PNG, JPEG or WebP image.") from error


def images_by_name(folder: Path, wanted: str) -> dict[str, Path]:
    """The images directly in a folder by their file names without ending, sorted. Hidden files are ignored.

    Args:
        folder: the folder.
        wanted: what it should hold, for messages.

    Raises:
        UsageError: there is no such folder, it holds no images, or two images of one name.
    """
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}: give the folder that holds {wanted}.")
    try:
        found = sorted(
            path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file()
        )
    except OSError as error:
        raise UsageError(f"{folder} cannot be read: {error.strerror}; check its permissions.") from error
    files: dict[str, Path] = {}
    for path in found:
        if path.name.startswith("."):
            continue
        if path.stem in files:
            raise UsageError(
                f"{folder} has two images of sample {path.stem}, {files[path.stem].name} and {path.name}: "
                "keep one of them."
            )
        files[path.stem] = path
    if not files:
        raise UsageError(f"{folder} holds no images: put {wanted} directly into it.")
    return files


def write_png(path: Path, image: Tensor) -> None:
    """Write a (3, H, W) image in [0, 1] as an 8-bit PNG, atomically."""
    import torch
    from PIL import Image

    values = image.detach().float().clamp(0, 1).mul(255).round().to(torch.uint8)
    with atomic_write(path) as file:
        Image.fromarray(values.permute(1, 2, 0).cpu().numpy()).save(file, format="PNG")


def to_8bit(image: Tensor) -> Tensor:
    """Clip to [0, 1] and round to multiples of 1/255, float32: the values of an 8-bit file.

    >>> import torch
    >>> to_8bit(torch.tensor([-0.1, 0.5, 2.0])).mul(255).tolist()
    [0.0, 128.0, 255.0]
    """
    levels = image.float().clamp(0, 1).mul(255).round()
    # Divide by a tensor: for a constant CUDA multiplies by 1/255, which differs in the last bit.
    return levels / levels.new_full((), 255.0)


def resize(image: Tensor, size: int | tuple[int, int]) -> Tensor:
    """Resize (3, H, W) or (B, 3, H, W) by `RESIZE`, clipped to [0, 1]; an image of that size is returned as it is.

    Args:
        image: float32, in [0, 1].
        size: a side, or height and width.
    """
    from torch.nn.functional import interpolate

    wanted = (size, size) if isinstance(size, int) else size
    if tuple(image.shape[-2:]) == wanted:
        return image
    batch = image if image.ndim == 4 else image[None]
    if len(batch) == 0:
        return image.new_zeros((*image.shape[:-2], *wanted))
    resized = interpolate(batch, size=wanted, mode="bicubic", antialias=True, align_corners=False).clamp(0, 1)
    return resized if image.ndim == 4 else resized[0]


def _deep(data: bytes, image: Image.Image) -> NDArray[np.float32] | None:
    """A 16-bit PNG in colour as float32 (H, W, 3 or 4); None for any other image.

    Pillow has no such mode: it unpacks the first byte of each big-endian pair. Unpacked once more as if the
    pairs were little-endian, the same file gives the second byte.
    """
    import numpy as np
    from PIL import Image

    is_deep = data[:8] == b"\x89PNG\r\n\x1a\n" and data[24:25] == b"\x10"
    if not is_deep or image.mode not in ("RGB", "RGBA") or {"icc_profile", "transparency"} & set(image.info):
        return None
    with Image.open(io.BytesIO(data), formats=("PNG",)) as second:
        codec, extents, offset, raw_mode = second.tile[0]
        if raw_mode not in ("RGB;16B", "RGBA;16B"):
            return None
        second.tile = [type(second.tile[0])(codec, extents, offset, raw_mode.replace("16B", "16L"))]
        low = np.asarray(second, dtype=np.float32)
    values: NDArray[np.float32] = (np.asarray(image, dtype=np.float32) * 256 + low) / np.float32(65535)
    return values


def _shallow(image: Image.Image) -> NDArray[np.float32]:
    """Any other image as float32 (H, W, 3 or 4)."""
    import numpy as np

    if image.mode in ("I", "I;16", "I;16B", "I;16L"):
        grey = np.asarray(image).astype(np.float32) / np.float32(65535)
        key = image.info.get("transparency")
        if key is None:
            return grey[..., None]
        opaque = (np.asarray(image) != int(key)).astype(np.float32)
        return np.stack([grey, opaque], axis=-1)
    has_alpha = image.mode in ("LA", "PA", "La", "RGBA", "RGBa") or "transparency" in image.info
    converted = _to_srgb(image, has_alpha) or image.convert("RGBA" if has_alpha else "RGB")
    pixels = np.asarray(converted).astype(np.float32)
    pixels /= np.float32(255)  # in place: a large photo needs this memory once
    return pixels


def _to_srgb(image: Image.Image, has_alpha: bool) -> Image.Image | None:
    """The image converted by its embedded profile; None without a usable profile."""
    profile = image.info.get("icc_profile")
    if not profile:
        return None
    from PIL import ImageCms

    colour = image.convert("RGBA") if has_alpha else image
    if colour.mode not in ("RGB", "RGBA", "CMYK", "L"):
        colour = colour.convert("RGB")
    try:
        result: Any = ImageCms.profileToProfile(
            colour if not has_alpha else colour.convert("RGB"),
            ImageCms.ImageCmsProfile(io.BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            outputMode="RGB",
        )
    except (ImageCms.PyCMSError, OSError):
        return None
    if has_alpha:
        result.putalpha(colour.getchannel("A"))
    converted: Image.Image = result
    return converted


def _over_white(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """(H, W, C) with C of 1 (grey), 2 (grey, alpha), 3 or 4 (RGB, alpha) -> (H, W, 3)."""
    import numpy as np

    channels = pixels.shape[-1]
    colour = pixels if channels % 2 else pixels[..., :-1]
    if channels % 2 == 0:
        alpha = pixels[..., -1:]
        colour = colour * alpha + (1 - alpha)
    return np.broadcast_to(colour, (*pixels.shape[:2], 3)) if colour.shape[-1] == 1 else colour


def _orientation(image: Image.Image) -> int:
    try:
        value = int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # ignore a damaged EXIF block
        return 1
    return value if 1 <= value <= 8 else 1


def _rotate(pixels: NDArray[np.float32], image: Image.Image) -> NDArray[np.float32]:
    """Apply the EXIF orientation."""
    value = _orientation(image)
    if value >= 5:
        pixels = pixels.swapaxes(0, 1)
    # Flips apply after the swap of rows and columns.
    if value in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if value in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels
