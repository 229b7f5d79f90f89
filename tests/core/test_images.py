"""Reading images of every supported file format, writing and resizing."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms

from gath_bench.errors import Unavailable
from gath_bench.images import decode, read_image, resize, size_of, to_8bit, write_png


@pytest.fixture
def picture() -> np.ndarray:
    """Smooth, so that lossy formats keep it; no symmetry, so that every rotation shows."""
    y, x = np.mgrid[0:24, 0:32] / 32
    return np.stack([x, y, 0.2 + 0.3 * x + 0.2 * y], axis=-1).astype(np.float32)


def as_8bit(picture: np.ndarray) -> np.ndarray:
    return np.round(picture * 255).astype(np.uint8)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png16(pixels: np.ndarray, colour_type: int, *extra: bytes) -> bytes:
    """A 16-bit PNG, written here, since Pillow cannot write one in colour."""
    height, width = pixels.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0)
    parts = [chunk(b"IHDR", header), *extra, chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize(
    ("name", "options", "tolerance"),
    [
        ("a.png", {}, 0.5 / 255 + 1e-6),
        ("a.webp", {"lossless": True}, 0.5 / 255 + 1e-6),
        ("a.webp", {"quality": 95}, 0.06),
        ("a.jpg", {"quality": 95, "subsampling": 0}, 0.03),
        ("a.JPEG", {"quality": 95, "subsampling": 0, "format": "JPEG"}, 0.03),
    ],
)
def test_the_common_formats(tmp_path: Path, picture, name, options, tolerance) -> None:
    Image.fromarray(as_8bit(picture)).save(tmp_path / name, **options)
    found = decode(tmp_path / name)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, picture, atol=tolerance)
    assert size_of(tmp_path / name) == (32, 24)


@pytest.mark.parametrize(("colour_type", "channels"), [(0, 1), (2, 3), (6, 4)])
def test_16_bits_are_kept(tmp_path: Path, colour_type: int, channels: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 65536, (6, 9, channels)).astype(np.uint16)
    (tmp_path / "a.png").write_bytes(png16(pixels, colour_type))
    values = pixels / 65535
    colour = values[..., :-1] * values[..., -1:] + 1 - values[..., -1:] if channels % 2 == 0 else values
    expected = np.broadcast_to(colour, (6, 9, 3))
    np.testing.assert_allclose(decode(tmp_path / "a.png"), expected, atol=1e-6)


def test_16_bit_grey_with_alpha_keeps_the_upper_bits(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 65536, (6, 9, 2)).astype(np.uint16)
    (tmp_path / "a.png").write_bytes(png16(pixels, 4))
    grey, alpha = pixels[..., 0] / 65535, pixels[..., 1] / 65535
    found = decode(tmp_path / "a.png")[..., 2]
    np.testing.assert_allclose(found, grey * alpha + 1 - alpha, atol=2 / 255)


def test_16_bit_grey_by_pillow_and_with_a_key_colour(tmp_path: Path) -> None:
    pixels = np.array([[0, 1000, 40000, 65535]], np.uint16)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    np.testing.assert_allclose(decode(tmp_path / "a.png")[..., 1], pixels / 65535, atol=1e-6)
    key = chunk(b"tRNS", struct.pack(">H", 1000))
    (tmp_path / "b.png").write_bytes(png16(pixels[..., None], 0, key))
    np.testing.assert_allclose(decode(tmp_path / "b.png")[0, :, 0], [0, 1, 40000 / 65535, 1], atol=1e-6)


def test_grey_and_palette(tmp_path: Path, picture) -> None:
    grey = as_8bit(picture)[..., 0]
    Image.fromarray(grey).save(tmp_path / "grey.png")
    Image.fromarray(grey).save(tmp_path / "grey.jpg", quality=95)
    expected = np.repeat(grey[..., None], 3, -1) / 255
    np.testing.assert_allclose(decode(tmp_path / "grey.png"), expected, atol=1e-6)
    np.testing.assert_allclose(decode(tmp_path / "grey.jpg"), expected, atol=0.03)
    palette = Image.fromarray(as_8bit(picture)).quantize(64)
    palette.save(tmp_path / "palette.png")
    np.testing.assert_allclose(
        decode(tmp_path / "palette.png"), np.asarray(palette.convert("RGB")) / 255, atol=1e-6
    )
    palette.save(tmp_path / "hole.png", transparency=palette.getpixel((0, 0)))
    assert decode(tmp_path / "hole.png")[0, 0].tolist() == [1, 1, 1]


def test_cmyk_jpeg_is_not_inverted(tmp_path: Path) -> None:
    rgb = Image.new("RGB", (16, 16), (200, 60, 20))
    rgb.convert("CMYK").save(tmp_path / "a.jpg", quality=95)
    assert b"Adobe" in (tmp_path / "a.jpg").read_bytes()[:400]
    np.testing.assert_allclose(decode(tmp_path / "a.jpg")[8, 8], np.array([200, 60, 20]) / 255, atol=0.03)


@pytest.mark.parametrize("name", ["a.png", "a.webp"])
def test_alpha_is_composited_over_white(tmp_path: Path, name: str) -> None:
    pixels = np.zeros((8, 8, 4), np.uint8)
    pixels[:, 4:] = (255, 0, 0, 128)
    Image.fromarray(pixels).save(tmp_path / name, **({"lossless": True} if name.endswith("webp") else {}))
    found = decode(tmp_path / name)
    assert found[0, 0].tolist() == [1, 1, 1]
    np.testing.assert_allclose(found[0, 7], [1, 127 / 255, 127 / 255], atol=1e-3)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["a.jpg", "a.png"])
def test_exif_rotation(tmp_path: Path, picture, orientation: int, name: str) -> None:
    from PIL import ImageOps

    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(as_8bit(picture)).save(tmp_path / name, exif=exif)
    with Image.open(tmp_path / name) as image:
        expected = np.asarray(ImageOps.exif_transpose(image))
    np.testing.assert_allclose(decode(tmp_path / name), expected / 255, atol=1e-6)
    assert size_of(tmp_path / name) == (expected.shape[1], expected.shape[0])


def test_colour_profiles(tmp_path: Path, picture) -> None:
    image = Image.fromarray(as_8bit(picture))
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image.save(tmp_path / "srgb.png", icc_profile=srgb)
    np.testing.assert_allclose(decode(tmp_path / "srgb.png"), picture, atol=2.5 / 255)
    image.save(tmp_path / "broken.png", icc_profile=b"no profile at all")
    np.testing.assert_allclose(decode(tmp_path / "broken.png"), picture, atol=0.5 / 255 + 1e-6)
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()
    image.save(tmp_path / "unfit.png", icc_profile=lab)
    np.testing.assert_allclose(decode(tmp_path / "unfit.png"), picture, atol=0.5 / 255 + 1e-6)


def _damaged() -> dict[str, bytes]:
    files = {"empty.png": b"", "text.png": b"this is not an image"}
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    for kind in ("png", "jpeg", "webp"):
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, format=kind)
        files[f"half.{kind}"] = buffer.getvalue()[: len(buffer.getvalue()) // 2]
    deep = png16(np.full((64, 64, 3), 7, np.uint16), 2)
    files["deep.png"] = deep[:-40]
    files["bits.png"] = deep[:60] + b"\xff" + deep[61:]
    return files


@pytest.mark.parametrize(("name", "content"), _damaged().items(), ids=_damaged().keys())
def test_damaged_files_say_so_in_one_sentence(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(Unavailable, match=name) as caught:
        decode(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_missing_file_and_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "none.png", tmp_path):
        with pytest.raises(Unavailable, match="cannot be read"):
            decode(path)


def test_other_formats_are_refused(tmp_path: Path) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "a.gif")
    with pytest.raises(Unavailable, match="not a PNG, JPEG or WebP"):
        decode(tmp_path / "a.gif")


def test_png_round_trip_is_exactly_to_8bit(tmp_path: Path) -> None:
    levels = torch.arange(256).float().reshape(1, 16, 16).repeat(3, 1, 1) / 255
    image = torch.cat([levels, torch.rand(3, 16, 16) * 1.4 - 0.2], dim=1)
    write_png(tmp_path / "a.png", image)
    assert torch.equal(read_image(tmp_path / "a.png"), to_8bit(image))
    assert torch.equal(to_8bit(to_8bit(image)), to_8bit(image))
    assert torch.equal(to_8bit(levels), levels)
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_resize_law() -> None:
    image = torch.rand(3, 3, 20, 20)
    assert resize(image, 20) is image
    assert resize(image, (10, 12)).shape == (3, 3, 10, 12)
    for size in (7, 33):
        together = resize(image, size)
        alone = torch.stack([resize(one, size) for one in image])
        assert torch.equal(together, alone)
        assert together.min() >= 0
        assert together.max() <= 1
    assert resize(torch.zeros(0, 3, 8, 8), 4).shape == (0, 3, 4, 4)
    torch.testing.assert_close(resize(torch.full((3, 8, 8), 0.3), 5), torch.full((3, 5, 5), 0.3))
