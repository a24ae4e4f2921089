"""What picture files hold beside the pixels and libvips does not tell; and blocks put into finished files."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from darkroom.image import Subsampling
from darkroom.jpeg_tables import ZIGZAG, steps

_TEXT_MOST = 1_000_000
"""Most bytes that a compressed text of a PNG may unpack to."""


@dataclass(slots=True)
class JpegFacts:
    """How a JPEG was compressed: quality 1 to 100 as libjpeg counts it, and whether it holds an HDR gain map."""

    quality: int | None = None
    subsampling: Subsampling | None = None
    gain_map: bool = False


@dataclass(slots=True)
class PngFacts:
    """Blocks of a PNG: EXIF and XMP, also as ImageMagick writes them; pixels per inch; frames of an APNG."""

    exif: bytes | None = None
    xmp: bytes | None = None
    resolution: tuple[float, float] | None = None
    frames: int = 1


def read_jpeg(data: bytes) -> JpegFacts:
    """Quality and subsampling from the tables of a JPEG. Never raises; what cannot be told stays None."""
    facts = JpegFacts()
    for marker, body in _jpeg_segments(data):
        if marker == 0xDB:
            at = 0
            while at < len(body):
                wide, table = body[at] >> 4, body[at] & 15
                size = 128 if wide else 64
                values = body[at + 1 : at + 1 + size]
                if len(values) == size and table == 0:
                    facts.quality = estimate_quality(struct.unpack(">64H" if wide else "64B", values))
                at += 1 + size
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC) and len(body) >= 6:
            count = body[5]
            factors = [body[7 + 3 * index] for index in range(count) if 7 + 3 * index < len(body)]
            if count == 3 and len(factors) == 3:
                ratio = (
                    (factors[0] >> 4) / max(1, factors[1] >> 4),
                    (factors[0] & 15) / max(1, factors[1] & 15),
                )
                known: dict[tuple[float, float], Subsampling] = {(1, 1): "4:4:4", (2, 2): "4:2:0"}
                facts.subsampling = known.get(ratio)
        elif marker in (0xE1, 0xE2) and b"hdrgm:" in body:
            facts.gain_map = True
    return facts


def estimate_quality(table: tuple[int, ...]) -> int:
    """The libjpeg quality, 1 to 100, whose luminance table lies nearest to ``table`` (64 steps, zigzag order)."""
    rows = dict(zip(ZIGZAG, table, strict=True))

    def distance(quality: int) -> int:
        return sum(abs(step - rows[place]) for place, step in enumerate(steps(quality)))

    return min(range(1, 101), key=distance)


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(marker, body) of every segment before the first scan."""
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            at = data.find(b"\xff", at)
            if at < 0:
                return
            continue
        marker = data[at + 1]
        if marker in (0xFF, 0x00) or 0xD0 <= marker <= 0xD8 or marker == 0x01:
            at += 1 if marker == 0xFF else 2
            continue
        if marker in (0xDA, 0xD9):
            return
        size = int.from_bytes(data[at + 2 : at + 4], "big")
        if size < 2:
            return
        yield marker, data[at + 4 : at + 2 + size]
        at += 2 + size


def add_to_jpeg(data: bytes, exif: bytes | None, resolution: tuple[float, float] | None = None) -> bytes:
    """``data`` with a JFIF header that states ``resolution`` (pixels per inch), or none, and with an EXIF block.

    Raises ValueError for a block too long for JPEG.
    """
    at = 2
    if data[2:4] == b"\xff\xe0":
        at = 4 + int.from_bytes(data[4:6], "big")
    across, down = (min(65_535, max(1, round(dots))) for dots in resolution or (1, 1))
    parts = [b"\xff\xd8", b"\xff\xe0\x00\x10JFIF\x00\x01\x02"]
    parts.append(struct.pack(">BHHBB", 1 if resolution else 0, across, down, 0, 0))
    if exif is not None:
        body = b"Exif\x00\x00" + exif
        if len(body) > 65_533:
            raise ValueError("it is longer than the 64 kB that a JPEG can hold")
        parts.append(b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body)
    return b"".join(parts) + data[at:]


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """(name, start of body, length) of every chunk that is there whole."""
    at = 8
    while at + 12 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        if at + 12 + size > len(data):
            return
        yield data[at + 4 : at + 8], at + 8, size
        at += 12 + size


def read_png(data: bytes) -> PngFacts:
    """The blocks of a PNG that libvips leaves out. Never raises; what cannot be read is left out."""
    facts = PngFacts()
    for name, start, size in _png_chunks(data):
        if name == b"eXIf":
            facts.exif = data[start : start + size].removeprefix(b"Exif\x00\x00")
        elif name == b"pHYs" and size == 9:
            across, down, unit = struct.unpack(">IIB", data[start : start + 9])
            if unit == 1:
                facts.resolution = (across * 0.0254, down * 0.0254)
        elif name == b"acTL" and size == 8:
            facts.frames = max(1, int.from_bytes(data[start : start + 4], "big"))
        elif name in (b"tEXt", b"zTXt", b"iTXt"):
            keyword, text = _png_text(name, data[start : start + size])
            if keyword in (b"Raw profile type exif", b"Raw profile type APP1"):
                facts.exif = facts.exif or _raw_profile(text)
            elif keyword == b"XML:com.adobe.xmp":
                facts.xmp = text
    return facts


def _png_text(kind: bytes, body: bytes) -> tuple[bytes, bytes]:
    """Keyword and text of a text chunk; the text is empty where it cannot be unpacked within bounds."""
    keyword, _, rest = body.partition(b"\x00")
    packed = kind == b"zTXt"
    if packed:
        rest = rest[1:]
    elif kind == b"iTXt":
        packed = rest[:1] == b"\x01"
        rest = rest[2:].partition(b"\x00")[2].partition(b"\x00")[2]
    if not packed:
        return keyword, rest
    try:
        stream = zlib.decompressobj()
        text = stream.decompress(rest, _TEXT_MOST)
        return keyword, text if stream.eof else b""
    except zlib.error:
        return keyword, b""


def _raw_profile(text: bytes) -> bytes | None:
    """The bytes that ImageMagick writes into a PNG text: a name, a length and hexadecimal lines."""
    found = re.match(rb"\s*\w+\s+\d+\s+([0-9a-fA-F\s]+)", text)
    if found is None:
        return None
    try:
        block = bytes.fromhex(found[1].decode())
    except ValueError:
        return None
    return block.removeprefix(b"Exif\x00\x00") if block.startswith((b"Exif\x00\x00", b"II", b"MM")) else None


def png_chunk(name: bytes, body: bytes) -> bytes:
    """One chunk of a PNG, with its length and checksum."""
    return len(body).to_bytes(4, "big") + name + body + zlib.crc32(name + body).to_bytes(4, "big")


def add_to_png(data: bytes, exif: bytes | None, resolution: tuple[float, float] | None) -> bytes:
    """``data`` with an EXIF block and with its pHYs chunk replaced by ``resolution`` (pixels per inch), or dropped."""
    parts = [data[:8]]
    for name, start, size in _png_chunks(data):
        if name == b"pHYs":
            continue
        parts.append(data[start - 8 : start + size + 4])
        if name == b"IHDR":
            if resolution is not None:
                across, down = (round(value / 0.0254) for value in resolution)
                parts.append(png_chunk(b"pHYs", struct.pack(">IIB", across, down, 1)))
            if exif is not None:
                parts.append(png_chunk(b"eXIf", exif))
    return b"".join(parts)


def _webp_chunks(data: bytes, start: int = 12, end: int | None = None) -> Iterator[tuple[bytes, int, int]]:
    at, end = start, len(data) if end is None else min(end, len(data))
    while at + 8 <= end:
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        yield data[at : at + 4], at + 8, size
        at += 8 + size + (size & 1)


def webp_is_lossless(data: bytes) -> bool | None:
    """True if every frame of a WebP is lossless, False if one is not; None where it holds no frame."""
    kinds: set[bytes] = set()
    for name, start, size in _webp_chunks(data):
        if name in (b"VP8 ", b"VP8L"):
            kinds.add(name)
        elif name == b"ANMF":
            kinds |= {n for n, _, _ in _webp_chunks(data, start + 16, start + size) if n in (b"VP8 ", b"VP8L")}
    return kinds == {b"VP8L"} if kinds else None


def add_to_webp(data: bytes, exif: bytes | None, size: tuple[int, int], alpha: bool) -> bytes:
    """``data`` with an EXIF block. ``size`` and ``alpha`` serve to make the extended header where there is none."""
    if exif is None:
        return data
    body = data[12:]
    if body[:4] != b"VP8X":
        extended = bytes([0x10 if alpha else 0, 0, 0, 0])
        extended += (size[0] - 1).to_bytes(3, "little") + (size[1] - 1).to_bytes(3, "little")
        body = b"VP8X" + (10).to_bytes(4, "little") + extended + body
    body = body[:8] + bytes([body[8] | 0x08]) + body[9:]
    body += b"EXIF" + len(exif).to_bytes(4, "little") + exif + b"\x00" * (len(exif) & 1)
    return b"RIFF" + (len(body) + 4).to_bytes(4, "little") + b"WEBP" + body
