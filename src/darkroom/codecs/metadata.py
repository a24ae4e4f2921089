"""EXIF, XMP and IPTC: reading out who holds the rights, and making blocks that tell nothing else, or nothing wrong."""

from __future__ import annotations

import html
import re
import struct
from collections.abc import Iterator, Mapping
from typing import NamedTuple

# Tags of TIFF and EXIF, by the names of the specification (JEITA CP-3451).
_IMAGE_WIDTH, _IMAGE_LENGTH, _ORIENTATION, _ARTIST, _COPYRIGHT = 0x100, 0x101, 0x112, 0x13B, 0x8298
_EXIF_IFD, _GPS_IFD, _PIXEL_X, _PIXEL_Y = 0x8769, 0x8825, 0xA002, 0xA003
_XMP, _IPTC = 0x2BC, 0x83BB
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}


class Rights(NamedTuple):
    """Who made a picture and who owns it, as the file says."""

    copyright: str | None = None
    artist: str | None = None


class Entry(NamedTuple):
    """One field of a directory: its tag, type and number of values, where it stands and where its value does."""

    tag: int
    kind: int
    number: int
    at: int
    value_at: int

    @property
    def size(self) -> int:
        """Bytes of the value."""
        return _SIZES.get(self.kind, 1) * self.number


def _order(block: bytes | bytearray) -> str | None:
    return {b"II": "<", b"MM": ">"}.get(bytes(block[:2]))


def _entries(block: bytes | bytearray, start: int) -> Iterator[Entry]:
    """The entries of the directory at ``start``, those only whose value lies inside the block."""
    order = _order(block)
    if order is None or not 8 <= start <= len(block) - 2:
        return
    (count,) = struct.unpack_from(f"{order}H", block, start)
    for index in range(count):
        at = start + 2 + 12 * index
        if at + 12 > len(block):
            return
        tag, kind, number = struct.unpack_from(f"{order}HHI", block, at)
        size = _SIZES.get(kind, 1) * number
        value_at = at + 8 if size <= 4 else struct.unpack_from(f"{order}I", block, at + 8)[0]
        if value_at + size <= len(block):
            yield Entry(tag, kind, number, at, value_at)


def _first_directory(block: bytes | bytearray) -> int:
    order = _order(block)
    if order is None or len(block) < 8:
        return 0
    return struct.unpack_from(f"{order}I", block, 4)[0]


def _number(block: bytes | bytearray, entry: Entry) -> int | None:
    code = {3: "H", 4: "I", 13: "I"}.get(entry.kind)
    return struct.unpack_from(f"{_order(block)}{code}", block, entry.value_at)[0] if code and entry.number else None


def _text(block: bytes, entry: Entry) -> str:
    raw = block[entry.value_at : entry.value_at + entry.size].split(b"\x00\x00")[0].strip(b"\x00 ")
    return _decoded(raw.replace(b"\x00", b"; "))


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode("utf-8").strip()
    except UnicodeDecodeError:
        return raw.decode("latin-1").strip()


def orientation(exif: bytes) -> int:
    """The EXIF orientation, 1 to 8; 1 where none is given."""
    for entry in _entries(exif, _first_directory(exif)):
        if entry.tag == _ORIENTATION:
            value = _number(exif, entry)
            return value if value is not None and 1 <= value <= 8 else 1
    return 1


def rights(exif: bytes | None, xmp: bytes | None, iptc: bytes | None) -> Rights:
    """Copyright and artist, from EXIF where it has them, else XMP (dc:rights, dc:creator), else IPTC."""
    copyright_, artist = None, None
    if exif is not None:
        for entry in _entries(exif, _first_directory(exif)):
            if entry.tag == _COPYRIGHT:
                copyright_ = _text(exif, entry) or None
            elif entry.tag == _ARTIST:
                artist = _text(exif, entry) or None
    if xmp is not None:
        copyright_ = copyright_ or _xmp_value(xmp, b"rights")
        artist = artist or _xmp_value(xmp, b"creator")
    if iptc is not None:
        found = _iptc(iptc)
        copyright_ = copyright_ or found.get(116)
        artist = artist or found.get(80)
    return Rights(_short(copyright_), _short(artist))


def _short(text: str | None) -> str | None:
    return "".join(letter for letter in text if letter.isprintable())[:1000] or None if text else None


def _xmp_value(xmp: bytes, name: bytes) -> str | None:
    """The items of a Dublin Core property, joined; found in the text, so that no XML parser meets a stranger's file."""
    start = xmp.find(b"<dc:" + name)
    end = xmp.find(b"</dc:" + name, start)
    if start < 0 or end < 0 or end - start > 20_000:
        return None
    items = re.findall(rb"<rdf:li[^>]*>([^<]*)</rdf:li>", xmp[start:end])
    joined = "; ".join(html.unescape(_decoded(item)) for item in items if item.strip())
    return joined or None


def _iptc(block: bytes) -> dict[int, str]:
    """The application record (2) of an IPTC block, also inside Photoshop's wrapping; repeated fields are joined."""
    found: dict[int, str] = {}
    at = block.find(b"\x1c\x02")
    while at >= 0 and at + 5 <= len(block) and block[at] == 0x1C:
        size = int.from_bytes(block[at + 3 : at + 5], "big")
        if size & 0x8000:
            break
        if block[at + 1] == 2:
            value = _decoded(block[at + 5 : at + 5 + size])
            number = block[at + 2]
            found[number] = f"{found[number]}; {value}" if number in found else value
        at += 5 + size
    return found


def minimal(found: Rights) -> bytes | None:
    """An EXIF block that holds copyright and artist and nothing else; None where there is neither."""
    values = {
        tag: text.encode() + b"\x00" for tag, text in ((_ARTIST, found.artist), (_COPYRIGHT, found.copyright)) if text
    }
    if not values:
        return None
    start = 8 + 2 + 12 * len(values) + 4
    table, heap = b"", b""
    for tag, value in sorted(values.items()):
        where = value.ljust(4, b"\x00") if len(value) <= 4 else struct.pack("<I", start + len(heap))
        table += struct.pack("<HHI", tag, 2, len(value)) + where
        if len(value) > 4:
            heap += value + b"\x00" * (len(value) & 1)
    return b"II*\x00" + struct.pack("<IH", 8, len(values)) + table + b"\x00\x00\x00\x00" + heap


def corrected(exif: bytes, width: int, height: int) -> bytes | None:
    """A whole EXIF block made true again: orientation 1, the result's size, and no embedded thumbnail.

    Values are changed where they stand, so that maker notes, which count offsets from the block's start, stay valid.
    None where the block cannot be read.
    """
    block = bytearray(exif)
    order, start = _order(block), _first_directory(block)
    if order is None or not 8 <= start <= len(block) - 2:
        return None
    _remove_thumbnail(block, order, start)
    sizes = {_IMAGE_WIDTH: width, _IMAGE_LENGTH: height, _PIXEL_X: width, _PIXEL_Y: height}
    directories = [start]
    for entry in _entries(block, start):
        if entry.tag == _EXIF_IFD and (inner := _number(block, entry)):
            directories.append(inner)
    for directory in directories:
        for entry in list(_entries(block, directory)):
            if entry.tag == _ORIENTATION:
                _set_number(block, order, entry, 1)
            elif entry.tag in sizes:
                _set_number(block, order, entry, sizes[entry.tag])
    return bytes(block)


def _set_number(block: bytearray, order: str, entry: Entry, value: int) -> None:
    """Write a number in place; one too large for a SHORT makes the field a LONG, which takes no more room."""
    if entry.number != 1 or entry.kind not in (3, 4):
        return
    kind = 4 if value > 0xFFFF else entry.kind
    struct.pack_into(f"{order}H", block, entry.at + 2, kind)
    block[entry.at + 8 : entry.at + 12] = bytes(4)
    struct.pack_into(f"{order}{'I' if kind == 4 else 'H'}", block, entry.at + 8, value)


def _remove_thumbnail(block: bytearray, order: str, start: int) -> None:
    """Cut the link to the second directory, which describes the thumbnail, and blank both it and the thumbnail."""
    (count,) = struct.unpack_from(f"{order}H", block, start)
    link = start + 2 + 12 * count
    if link + 4 > len(block):
        return
    (second,) = struct.unpack_from(f"{order}I", block, link)
    struct.pack_into(f"{order}I", block, link, 0)
    if not 8 <= second <= len(block) - 2:
        return
    found = {entry.tag: _number(block, entry) for entry in _entries(block, second)}
    thumb, size = found.get(0x201), found.get(0x202)
    (count,) = struct.unpack_from(f"{order}H", block, second)
    block[second : second + 6 + 12 * count] = bytes(min(6 + 12 * count, len(block) - second))
    if thumb and size and thumb + size <= len(block):
        block[thumb : thumb + size] = bytes(size)
        if thumb + size == len(block):
            del block[thumb:]


def corrected_xmp(xmp: bytes) -> bytes:
    """An XMP packet without embedded thumbnails, and with its orientation set to 1."""
    xmp = _without(xmp, b"<xmp:Thumbnails>", b"</xmp:Thumbnails>")
    xmp = re.sub(rb'(tiff:Orientation\s*=\s*["\'])\d(["\'])', rb"\g<1>1\2", xmp)
    return re.sub(rb"(<tiff:Orientation>)\d(</tiff:Orientation>)", rb"\g<1>1\2", xmp)


def _without(data: bytes, start: bytes, end: bytes) -> bytes:
    """What is left without each stretch from a ``start`` to the next ``end``; the time grows with the length."""
    kept, at = bytearray(), 0
    while (first := data.find(start, at)) >= 0 and (last := data.find(end, first)) >= 0:
        kept += data[at:first]
        at = last + len(end)
    return bytes(kept + data[at:])


def from_tiff(data: bytes) -> bytes | None:
    """The artist and copyright of a TIFF as a minimal EXIF block; the rest of its first directory is the pixels' own.

    None where it has neither, and for BigTIFF.
    """
    if data[2:4] not in (b"*\x00", b"\x00*"):
        return None
    return minimal(rights(data, None, None))


def add_to_tiff(data: bytes, found: Mapping[int, bytes]) -> bytes:
    """A little-endian classic TIFF with text fields (tag to bytes) added to its first directory.

    The new directory is put at the end and the header pointed to it; nothing else moves. Raises ValueError for another
    kind of TIFF.
    """
    if not found:
        return data
    if data[:4] != b"II*\x00":
        raise ValueError("it is too large for the classic form of TIFF")
    (start,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, start)
    rows = {
        struct.unpack_from("<H", data, at)[0]: data[at : at + 12] for at in range(start + 2, start + 2 + 12 * count, 12)
    }
    following = data[start + 2 + 12 * count : start + 6 + 12 * count]
    out = bytearray(data + b"\x00" * (len(data) & 1))
    for tag, value in found.items():
        text = value + b"\x00"
        where = text.ljust(4, b"\x00") if len(text) <= 4 else struct.pack("<I", len(out))
        if len(text) > 4:
            out += text + b"\x00" * (len(text) & 1)
        rows[tag] = struct.pack("<HHI", tag, 2, len(text)) + where
    directory = len(out)
    out += struct.pack("<H", len(rows)) + b"".join(rows[tag] for tag in sorted(rows)) + following
    struct.pack_into("<I", out, 4, directory)
    return bytes(out)


def tiff_fields(found: Rights) -> dict[int, bytes]:
    """The fields of a TIFF that carry ``found``."""
    pairs = ((_ARTIST, found.artist), (_COPYRIGHT, found.copyright))
    return {tag: text.encode() for tag, text in pairs if text}
