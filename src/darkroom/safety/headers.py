"""Width, height and frames out of the first bytes of a picture, without a decoder.

Nothing here allocates by what a file claims, every loop goes forward, and nothing raises: what cannot be told from the
bytes at hand is None, and left to the decoder, which holds the same limits in a process of its own. Offsets are those
of the formats' specifications (PNG 3rd edition, JPEG T.81, GIF89a, RFC 9649, TIFF 6.0, ISO/IEC 23008-12, Netpbm).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass

from darkroom.image import Format

_FEW = 1_000
"""Boxes, tags and icons beyond this many are not looked at."""
# One blank at a time: of blanks in a row there is one reading, else a few dozen of them would take for ever.
_PPM = re.compile(rb"P([1-6])((?:\s|#[^\n]*\n)+)(\d{1,10})((?:\s|#[^\n]*\n)+)(\d{1,10})\s")


@dataclass(frozen=True, slots=True)
class Header:
    """What a header claims. ``frames`` is how many the decoder would read, as far as the bytes at hand show them."""

    width: int
    height: int
    frames: int = 1


def read_header(head: bytes, format: Format) -> Header | None:
    """What the header claims; None where the bytes at hand do not say, or make no sense."""
    reader = _READERS.get(format)
    if reader is None:
        return None
    try:
        return reader(head)
    except (struct.error, IndexError, OverflowError):
        return None


def _png(head: bytes) -> Header | None:
    if head[12:16] != b"IHDR":
        return None
    return Header(*struct.unpack_from(">II", head, 16))


def _jpeg(head: bytes) -> Header | None:
    at = 2
    while True:
        at = head.find(b"\xff", at)
        if at < 0 or at + 1 >= len(head):
            return None
        marker = head[at + 1]
        if marker == 0xFF:
            at += 1
        elif marker in (0x00, 0x01) or 0xD0 <= marker <= 0xD8:
            at += 2
        elif marker in (0xDA, 0xD9):
            return None
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", head, at + 5)
            return Header(width, height)
        else:
            (size,) = struct.unpack_from(">H", head, at + 2)
            if size < 2:
                return None
            at += 2 + size


def _gif(head: bytes) -> Header | None:
    width, height, flags = struct.unpack_from("<HHB", head, 6)
    at, frames = 13 + _palette(flags), 0
    while at < len(head):
        kind = head[at]
        if kind == 0x21:
            at += 2
        elif kind == 0x2C and at + 11 <= len(head):
            frames += 1
            at += 11 + _palette(head[at + 9])
        else:
            break
        while at < len(head) and head[at]:
            at += 1 + head[at]
        at += 1
    return Header(width, height, max(1, frames))


def _palette(flags: int) -> int:
    """Bytes of the palette that a flag byte of a GIF announces."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _webp(head: bytes) -> Header | None:
    kind = head[12:16]
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", head, 26)
        return Header(width & 0x3FFF, height & 0x3FFF) if head[23:26] == b"\x9d\x01\x2a" else None
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", head, 21)
        return Header((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1) if head[20] == 0x2F else None
    if kind != b"VP8X":
        return None
    width = int.from_bytes(head[24:27], "little") + 1
    height = int.from_bytes(struct.unpack_from("3s", head, 27)[0], "little") + 1
    at, frames = 12, 0
    while at + 8 <= len(head):
        frames += head[at : at + 4] == b"ANMF"
        at += 8 + (struct.unpack_from("<I", head, at + 4)[0] + 1 & ~1)
    return Header(width, height, max(1, frames))


def _bmp(head: bytes) -> Header | None:
    (size,) = struct.unpack_from("<I", head, 14)
    width, height = struct.unpack_from("<HH", head, 18) if size == 12 else struct.unpack_from("<ii", head, 18)
    # A negative height says that the rows run downwards.
    return Header(width, abs(height))


def _tiff(head: bytes) -> Header | None:
    order = "<" if head[:2] == b"II" else ">"
    big = head[2:4] in (b"+\x00", b"\x00+")
    (start,) = struct.unpack_from(order + ("Q" if big else "I"), head, 8 if big else 4)
    (count,) = struct.unpack_from(order + ("Q" if big else "H"), head, start)
    first, step = (start + 8, 20) if big else (start + 2, 12)
    found: dict[int, int] = {}
    for index in range(min(count, _FEW)):
        tag, kind = struct.unpack_from(order + "HH", head, first + step * index)
        if tag in (256, 257):
            code = {3: "H", 4: "I", 16: "Q"}.get(kind)
            if code is None:
                return None
            (found[tag],) = struct.unpack_from(order + code, head, first + step * index + (12 if big else 8))
    return Header(found[256], found[257]) if len(found) == 2 else None


def _avif(head: bytes) -> Header | None:
    """The largest of the sizes that a file declares (``meta/iprp/ipco/ispe``): a grid is larger than its tiles."""
    start, end = 0, len(head)
    for name, skipped in ((b"meta", 4), (b"iprp", 0), (b"ipco", 0)):
        inside = next(((s, e) for kind, s, e in _boxes(head, start, end) if kind == name), None)
        if inside is None:
            return None
        start, end = inside[0] + skipped, inside[1]
    sizes = [struct.unpack_from(">II", head, s + 4) for kind, s, _ in _boxes(head, start, end) if kind == b"ispe"]
    return Header(*max(sizes, key=lambda size: size[0] * size[1])) if sizes else None


def _boxes(head: bytes, at: int, end: int) -> list[tuple[bytes, int, int]]:
    """(name, start of body, end) of the boxes of an ISO base media file."""
    boxes: list[tuple[bytes, int, int]] = []
    while at + 8 <= end and len(boxes) < _FEW:
        size, body = int.from_bytes(head[at : at + 4], "big"), at + 8
        if size == 1:
            size, body = int.from_bytes(head[at + 8 : at + 16], "big"), at + 16
        elif size == 0:
            size = end - at
        if size < body - at:
            break
        boxes.append((head[at + 4 : at + 8], body, min(at + size, end)))
        at += size
    return boxes


def _ppm(head: bytes) -> Header | None:
    found = _PPM.match(head[:4096])
    return Header(int(found[3]), int(found[5])) if found is not None else None


def _ico(head: bytes) -> Header | None:
    """The largest size that the directory or a PNG inside claims."""
    (count,) = struct.unpack_from("<H", head, 4)
    best = Header(0, 0)
    for index in range(min(count, _FEW)):
        width, height, start = struct.unpack_from("<BB10xI", head, 6 + 16 * index)
        header = Header(width or 256, height or 256)
        inner = head[start : start + 33]
        if inner.startswith(b"\x89PNG\r\n\x1a\n"):
            header = _png(inner) or header
        elif len(inner) >= 12:
            across, down = struct.unpack_from("<ii", inner, 4)
            header = Header(abs(across), abs(down) // 2)
        best = max(best, header, key=lambda one: one.width * one.height)
    return best


_READERS: dict[Format, Callable[[bytes], Header | None]] = {
    "png": _png,
    "jpeg": _jpeg,
    "gif": _gif,
    "webp": _webp,
    "bmp": _bmp,
    "tiff": _tiff,
    "avif": _avif,
    "ppm": _ppm,
    "ico": _ico,
}
