"""What a file is, told by its content and never by its name."""

from __future__ import annotations

import re
import zlib
from pathlib import Path
from typing import cast, get_args

from darkroom.image import Format

_SUFFIXES: dict[str, Format] = {
    ".jpg": "jpeg",
    ".jpeg": "jpeg",
    ".jpe": "jpeg",
    ".jfif": "jpeg",
    ".png": "png",
    ".apng": "png",
    ".webp": "webp",
    ".avif": "avif",
    ".avifs": "avif",
    ".tif": "tiff",
    ".tiff": "tiff",
    ".gif": "gif",
    ".bmp": "bmp",
    ".dib": "bmp",
    ".svg": "svg",
    ".svgz": "svg",
    ".ppm": "ppm",
    ".pgm": "ppm",
    ".pbm": "ppm",
    ".pnm": "ppm",
    ".ico": "ico",
}

_EXTENSIONS: dict[Format, str] = {"jpeg": ".jpg", "tiff": ".tif"}

_AVIF_BRANDS = {b"avif", b"avis"}
_HEVC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}

_REFUSED: tuple[tuple[bytes, str], ...] = (
    (b"\xff\x0a", "JPEG XL"),
    (b"\x00\x00\x00\x0cJXL \r\n\x87\n", "JPEG XL"),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"%PDF-", "PDF"),
    (b"%!PS", "PostScript"),
    (b"\xc5\xd0\xd3\xc6", "PostScript"),
    (b"8BPS", "Photoshop document"),
    (b"v/1\x01", "OpenEXR"),
    (b"#?RADIANCE", "Radiance HDR"),
    (b"#?RGBE", "Radiance HDR"),
    (b"qoif", "QOI"),
    (b"\x01\xda", "SGI"),
    (b"gimp xcf", "GIMP project"),
    (b"DDS ", "DirectDraw surface"),
    (b"\x8aMNG", "MNG animation"),
    (b"FUJIFILMCCD-RAW", "camera raw"),
    (b"IIU\x00", "camera raw"),
    (b"PK\x03\x04", "ZIP archive"),
    (b"PK\x05\x06", "ZIP archive"),
    (b"Rar!\x1a\x07", "RAR archive"),
    (b"7z\xbc\xaf\x27\x1c", "7-Zip archive"),
    (b"\x1f\x8b", "gzip archive"),
    (b"BZh", "bzip2 archive"),
    (b"\xfd7zXZ\x00", "xz archive"),
    (b"\x1aE\xdf\xa3", "Matroska or WebM video"),
    (b"OggS", "Ogg stream"),
    (b"fLaC", "FLAC sound"),
    (b"ID3", "MP3 sound"),
    (b"\x7fELF", "program"),
    (b"MZ", "program"),
)

_CURES: dict[str, str] = {
    "HEIC": "Convert it to JPEG, PNG or AVIF first (the photo application that made it can export JPEG).",
    "camera raw": "Develop it to TIFF or JPEG in a raw converter first.",
    "PDF": "Export its pages as PNG or TIFF first.",
    "ZIP archive": "Unpack it and give the pictures inside.",
}

READ = "JPEG, PNG, WebP, AVIF, TIFF, GIF, BMP, SVG, PPM and ICO"
"""The formats that are read, as a person writes them."""

_SVG_WINDOW = 65_536
_PROLOGUE = ((b"<!--", b"-->"), (b"<?", b"?>"), (b"<!DOCTYPE", b">"))


def sniff(data: bytes) -> Format | None:
    """The format of ``data`` by its first bytes; None for what is not read. See :func:`identify` for a name of that."""
    head = data[:16]
    if head[:3] == b"\xff\xd8\xff":
        return "jpeg"
    if head[:8] == b"\x89PNG\r\n\x1a\n":
        return "png"
    if head[:6] in (b"GIF87a", b"GIF89a"):
        return "gif"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head[4:8] == b"ftyp":
        return "avif" if _brands(data) & _AVIF_BRANDS and not _major(data) & _HEVC_BRANDS else None
    if head[:4] in (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"):
        return "tiff" if _camera_raw(data) is None else None
    if head[:2] == b"BM":
        return "bmp"
    if head[:4] == b"\x00\x00\x01\x00" and len(data) >= 6 and data[4:6] != b"\x00\x00":
        return "ico"
    if re.match(rb"P[1-6][\s#]", head):
        return "ppm"
    if _is_svg(data):
        return "svg"
    return None


def identify(data: bytes) -> str | None:
    """What ``data`` is, for a person, where :func:`sniff` finds nothing that is read; None where it is not known."""
    if data[4:8] == b"ftyp":
        brands = _brands(data)
        if brands & _HEVC_BRANDS or brands & {b"mif1", b"msf1"}:
            return "HEIC"
        return "camera raw" if b"crx " in brands else "MP4 or QuickTime video"
    if data[:4] in (b"II*\x00", b"MM\x00*"):
        return _camera_raw(data)
    for magic, name in _REFUSED:
        if data.startswith(magic):
            return name
    text = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype html", b"<html")) or b"<html" in text:
        return "HTML page"
    if text.startswith(b"<?xml"):
        return "XML document"
    if data[36:40] == b"acsp":
        return "ICC colour profile"
    if data[-18:-2] == b"TRUEVISION-XFILE" or _is_targa(data):
        return "Targa"
    if text and all(byte in b"\t\n\r" or 32 <= byte < 127 for byte in text):
        return "text file"
    return None


def cure_for(kind: str | None) -> str:
    """What to do with a file that is not read."""
    return _CURES.get(kind or "", f"Convert it to one of the formats that are read: {READ}.")


def format_of(path: Path | str) -> Format | None:
    """The format that a file name asks for by its suffix; None where it has none that is known."""
    return _SUFFIXES.get(Path(path).suffix.lower())


def extension(format: Format) -> str:
    """The usual suffix of a format, with its dot: ``.jpg`` for ``jpeg``."""
    return _EXTENSIONS.get(format, f".{format}")


def formats() -> tuple[Format, ...]:
    """Every format that is read."""
    return cast(tuple[Format, ...], get_args(Format))


def unpack_svg(data: bytes, most: int) -> bytes:
    """The text of an SVG, unpacked where it is gzipped (``.svgz``), up to ``most`` bytes and one more.

    Raises ValueError where the archive is damaged or cut off.
    """
    if data[:2] != b"\x1f\x8b":
        return data
    stream = zlib.decompressobj(wbits=31)
    try:
        text = stream.decompress(data, most + 1)
    except zlib.error as error:
        raise ValueError(str(error)) from error
    if not stream.eof and len(text) <= most:
        raise ValueError("it ends too early")
    return text


def _major(data: bytes) -> set[bytes]:
    return {data[8:12]}


def _brands(data: bytes) -> set[bytes]:
    """The major and the compatible brands of an ISO base media file."""
    size = min(int.from_bytes(data[:4], "big"), 1024)
    body = data[8:size]
    return {body[i : i + 4] for i in range(0, len(body), 4) if i != 4}


def _camera_raw(data: bytes) -> str | None:
    """``camera raw`` for the raw files that look like TIFF: Canon CR2 by its mark, others by their DNG version tag."""
    if data[8:10] == b"CR":
        return "camera raw"
    order = "little" if data[:2] == b"II" else "big"
    if data[2:4] not in (b"*\x00", b"\x00*"):
        return None
    start = int.from_bytes(data[4:8], order)
    count = int.from_bytes(data[start : start + 2], order)
    for index in range(min(count, 200)):
        at = start + 2 + 12 * index
        if int.from_bytes(data[at : at + 2], order) == 0xC612:
            return "camera raw"
    return None


def _is_targa(data: bytes) -> bool:
    """Targa has no mark of its own: a plausible header is taken for one, to name it in the refusal."""
    return (
        len(data) >= 18
        and data[1] in (0, 1)
        and data[2] in (1, 2, 3, 9, 10, 11)
        and data[16] in (8, 15, 16, 24, 32)
        and data[12:16] != b"\x00\x00\x00\x00"
    )


def _is_svg(data: bytes) -> bool:
    head = data[:_SVG_WINDOW]
    if head[:2] == b"\x1f\x8b":
        try:
            head = zlib.decompressobj(wbits=31).decompress(data[:_SVG_WINDOW], _SVG_WINDOW)
        except zlib.error:
            return False
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        head = head.decode("utf-16", "ignore").encode()
    at, head = 0, head.removeprefix(b"\xef\xbb\xbf")
    # Skip what may stand before the root element. Every find goes forward, so a hostile prologue costs nothing.
    while True:
        at += len(head[at:]) - len(head[at:].lstrip())
        end = next((end for start, end in _PROLOGUE if head[at : at + len(start)].upper() == start), None)
        if end is None:
            return re.match(rb"<(?:\w+:)?svg[\s/>]", head[at : at + 80], re.IGNORECASE) is not None
        if end == b">" and b"[" in head[at : head.find(b">", at) + 1]:
            end = b"]"  # a document type with an internal subset, which may hold comparison signs
        closed = head.find(end, at)
        if closed < 0:
            return False
        at = closed + len(end)
        if end == b"]":
            at = head.find(b">", at) + 1
            if at == 0:
                return False
