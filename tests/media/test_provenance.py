"""The provenance mark: every format carries it, readers find it, and the picture is not touched."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from gath_bench.errors import UsageError
from gath_bench.provenance import (
    TRAINED_ALGORITHMIC_MEDIA,
    Provenance,
    read_provenance,
    read_xmp,
    save_still,
)
from gath_bench.video import write_animation

MARK = Provenance('gath-warp[weights="a & <b>"]@1#0ab12345', "AU06=0.6,AU12=0.8")


def noise(width: int = 40, height: int = 30, seed: int = 0) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8))


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".jpeg", ".webp", ".PNG"])
def test_a_still_carries_model_and_source_type(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"out{suffix}"
    save_still(path, noise(), MARK)
    assert read_provenance(path) == MARK
    assert list(tmp_path.iterdir()) == [path]
    # Read by Pillow alone, as another program would.
    with Image.open(path) as image:
        packet = image.info.get("xmp") or image.info["XML:com.adobe.xmp"]
        assert image.size == (40, 30)
    assert TRAINED_ALGORITHMIC_MEDIA in (packet if isinstance(packet, str) else packet.decode())


def test_png_keeps_the_pixels(tmp_path: Path) -> None:
    save_still(tmp_path / "out.png", noise(), MARK)
    assert np.array_equal(np.asarray(Image.open(tmp_path / "out.png")), np.asarray(noise()))


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".mp4"])
def test_an_animation_carries_model_and_source_type(tmp_path: Path, suffix: str) -> None:
    if suffix == ".mp4":
        pytest.importorskip("av")
    path = tmp_path / f"out{suffix}"
    write_animation(path, [noise(seed=seed) for seed in range(3)], 10, MARK)
    assert read_provenance(path) == MARK


def test_the_packet_is_well_formed_xml_with_the_published_names() -> None:
    tree = ElementTree.fromstring(MARK.to_xmp())
    found = {element.tag: element.text for element in tree.iter() if element.text and element.text.strip()}
    iptc = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}"
    assert found[f"{iptc}DigitalSourceType"] == TRAINED_ALGORITHMIC_MEDIA
    assert found[f"{iptc}AISystemUsed"] == MARK.model
    assert found[f"{iptc}AIPromptInformation"] == MARK.prompt


def test_jpeg_has_one_app1_segment_with_adobes_name(tmp_path: Path) -> None:
    save_still(tmp_path / "out.jpg", noise(), MARK)
    data = (tmp_path / "out.jpg").read_bytes()
    assert data.count(b"http://ns.adobe.com/xap/1.0/\0") == 1
    place = data.index(b"http://ns.adobe.com/xap/1.0/\0")
    assert data[place - 4 : place - 2] == b"\xff\xe1"


def test_a_gif_with_the_extension_still_plays(tmp_path: Path) -> None:
    path = tmp_path / "out.gif"
    frames = [noise(seed=seed) for seed in range(4)]
    write_animation(path, frames, 10, MARK)
    with Image.open(path) as image:
        assert image.n_frames == 4
        for index in range(4):
            image.seek(index)
            image.load()


def test_files_of_others_carry_nothing(tmp_path: Path) -> None:
    noise().save(tmp_path / "plain.png")
    noise().save(tmp_path / "plain.gif")
    noise().save(tmp_path / "other.jpg", xmp=b"<x:xmpmeta>something else</x:xmpmeta>")
    assert read_xmp(tmp_path / "plain.png") is None
    assert read_xmp(tmp_path / "plain.gif") is None
    assert read_xmp(tmp_path / "other.jpg") is not None
    assert read_provenance(tmp_path / "other.jpg") is None


def test_wrong_files_get_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("hello, this is no picture")
    with pytest.raises(UsageError, match="neither a picture nor an MP4"):
        read_provenance(tmp_path / "text.png")
    with pytest.raises(UsageError, match="No such file"):
        read_provenance(tmp_path / "none.png")
    with pytest.raises(UsageError, match=r"ends in \.png, \.jpg"):
        save_still(tmp_path / "out.bmp", noise(), MARK)
    with pytest.raises(UsageError, match="cannot write"):
        save_still(tmp_path / "none" / "out.png", noise(), MARK)
