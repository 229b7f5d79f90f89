"""Provenance of generated pictures: the mark that says "made by a trained model", written into every file.

Every file carries an XMP packet with three properties of the IPTC Photo Metadata Standard 2025.1:

- ``Iptc4xmpExt:DigitalSourceType`` = `TRAINED_ALGORITHMIC_MEDIA`,
- ``Iptc4xmpExt:AISystemUsed`` = the key of the model,
- ``Iptc4xmpExt:AIPromptInformation`` = the AUs that were asked for, where there is one such text,

and ``xmp:CreatorTool`` = the version of gath-bench. The packet is stored where readers expect it (Adobe, XMP
Specification Part 3, Storage in Files):

========  ==================================================================================================
PNG       an ``iTXt`` chunk with the keyword ``XML:com.adobe.xmp``
JPEG      an APP1 segment
WebP      an ``XMP`` chunk, for stills and animations
GIF       the application extension ``XMP DataXMP``
MP4       a top-level ``uuid`` box; `gath_bench.video` repeats the text as the ``comment``, which players show
========  ==================================================================================================
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID
from xml.sax.saxutils import escape, unescape

from gath_bench.errors import UsageError
from gath_bench.files import atomic_write
from gath_bench.version import __version__

if TYPE_CHECKING:
    from PIL import Image

#: The IPTC NewsCode for media that a trained model generated.
TRAINED_ALGORITHMIC_MEDIA = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
#: File name endings of still pictures that can be written, in lower case -> Pillow's format and options.
STILL_FORMATS: dict[str, tuple[str, dict[str, Any]]] = {
    ".png": ("PNG", {}),
    # Colour at full resolution: 4:2:0 blurs the red of lips.
    ".jpg": ("JPEG", {"quality": 95, "subsampling": 0}),
    ".jpeg": ("JPEG", {"quality": 95, "subsampling": 0}),
    ".webp": ("WEBP", {"quality": 95}),
}

_PNG_KEYWORD = "XML:com.adobe.xmp"
_MP4_UUID = UUID("be7acfcb-97a9-42e8-9c71-999491e3afac").bytes
_GIF_IDENTIFIER = b"\x21\xff\x0bXMP DataXMP"
#: The trailer that lets a reader which knows no XMP step over the packet, as if it were data blocks.
_GIF_TRAILER = bytes([1, *range(255, -1, -1), 0])
_TEMPLATE = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">
{properties}
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="r"?>"""


@dataclass(frozen=True)
class Provenance:
    """Where a generated picture comes from.

    Attributes:
        model: the component key of the model.
        prompt: the AUs that were asked for; empty where one line cannot say them.
        tool: the program that wrote the file.
        source_type: the IPTC digital source type.
    """

    model: str
    prompt: str = ""
    tool: str = f"gath-bench {__version__}"
    source_type: str = TRAINED_ALGORITHMIC_MEDIA

    def to_xmp(self) -> bytes:
        """The XMP packet, UTF-8."""
        named = {name: getattr(self, attribute) for name, attribute in _PROPERTIES.items()}
        lines = [f"<{name}>{escape(text)}</{name}>" for name, text in named.items() if text]
        return _TEMPLATE.format(properties="\n".join(lines)).encode()

    @classmethod
    def from_xmp(cls, packet: bytes) -> Provenance | None:
        """Read a packet that `to_xmp` wrote; None if it names no model."""
        text = packet.decode("utf-8", "replace")
        found = {}
        for name, attribute in _PROPERTIES.items():
            match = re.search(rf"<{re.escape(name)}>([^<]*)</", text)
            found[attribute] = unescape(match[1]) if match else ""
        return cls(**found) if found["model"] else None

    def __str__(self) -> str:
        """One line for places that hold plain text.

        >>> str(Provenance("gath-warp@1#0ab1", "AU45=1", tool="gath-bench 1"))
        'AI-generated (trainedAlgorithmicMedia) by gath-warp@1#0ab1 from AU45=1; gath-bench 1'
        """
        asked = f" from {self.prompt}" if self.prompt else ""
        return f"AI-generated ({self.source_type.rsplit('/', 1)[-1]}) by {self.model}{asked}; {self.tool}"


_PROPERTIES = {
    "Iptc4xmpExt:DigitalSourceType": "source_type",
    "Iptc4xmpExt:AISystemUsed": "model",
    "Iptc4xmpExt:AIPromptInformation": "prompt",
    "xmp:CreatorTool": "tool",
}


def save_still(path: Path, image: Image.Image, provenance: Provenance) -> None:
    """Write a generated picture with its provenance, atomically.

    Args:
        path: PNG, JPEG or WebP, by its ending. JPEG and WebP are written with quality 95, JPEG without
            subsampling of the colour.
        image: mode RGB.
        provenance: written into the file.

    Raises:
        UsageError: the ending is none of `STILL_FORMATS`, or the file cannot be written.
    """
    if path.suffix.lower() not in STILL_FORMATS:
        raise UsageError(f"{path} is no still picture: give a name that ends in {', '.join(STILL_FORMATS)}.")
    name, options = STILL_FORMATS[path.suffix.lower()]
    packet = provenance.to_xmp()
    if name == "PNG":
        from PIL.PngImagePlugin import PngInfo

        chunks = PngInfo()
        chunks.add_itxt(_PNG_KEYWORD, packet.decode())
        options = {**options, "pnginfo": chunks}
    else:
        options = {**options, "xmp": packet}
    try:
        with atomic_write(path) as file:
            image.save(file, format=name, **options)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror or error}; check the folder.") from error


def read_provenance(path: Path) -> Provenance | None:
    """The provenance that a picture or video carries; None if it carries none of gath-bench.

    Raises:
        UsageError: the file cannot be read, or is neither a picture nor an MP4 file.
    """
    packet = read_xmp(path)
    return None if packet is None else Provenance.from_xmp(packet)


def read_xmp(path: Path) -> bytes | None:
    """The XMP packet of a PNG, JPEG, WebP, GIF or MP4 file; None if it has none.

    Raises:
        UsageError: the file cannot be read, or is none of these.
    """
    from PIL import Image

    try:
        with path.open("rb") as file:
            head = file.read(12)
        if head[4:8] == b"ftyp":
            return _read_mp4(path)
        if head[:6] in (b"GIF87a", b"GIF89a"):
            _, found_gif, rest = path.read_bytes().partition(_GIF_IDENTIFIER)
            return rest.partition(_GIF_TRAILER)[0] if found_gif else None
        with Image.open(path, formats=("PNG", "JPEG", "WEBP")) as image:
            found = image.info.get("xmp") or image.info.get(_PNG_KEYWORD)
    except OSError as error:
        reason = error.strerror or "it is neither a picture nor an MP4 file"
        raise UsageError(f"cannot read {path}: {reason}.") from error
    return found.encode() if isinstance(found, str) else found


def add_to_gif(data: bytes, packet: bytes) -> bytes:
    """A GIF file with an XMP application extension in front of its first picture.

    Args:
        data: the file, without such an extension.
        packet: the XMP packet.
    """
    flags = data[10]
    # Header and logical screen descriptor have 13 bytes; bit 7 says that a colour table follows.
    start = 13 + (3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0)
    # Extensions are part of GIF89a.
    return b"GIF89a" + data[6:start] + _GIF_IDENTIFIER + packet + _GIF_TRAILER + data[start:]


def append_to_mp4(path: Path, packet: bytes) -> None:
    """Append the XMP packet to an MP4 file as a top-level ``uuid`` box.

    At the end, so that no offset in the file changes and the index stays in front ("fast start").
    """
    box = _MP4_UUID + packet
    with path.open("ab") as file:
        file.write((len(box) + 8).to_bytes(4, "big") + b"uuid" + box)


def _read_mp4(path: Path) -> bytes | None:
    end = path.stat().st_size
    with path.open("rb") as file:
        position = 0
        while position + 8 <= end:
            file.seek(position)
            size, kind, header = int.from_bytes(file.read(4), "big"), file.read(4), 8
            if size == 1:
                size, header = int.from_bytes(file.read(8), "big"), 16
            if size == 0:
                size = end - position
            if size < header:
                return None
            if kind == b"uuid" and file.read(16) == _MP4_UUID:
                return file.read(size - header - 16)
            position += size
    return None
