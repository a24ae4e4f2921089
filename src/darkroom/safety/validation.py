"""Whether an upload is taken, by its first bytes: what it is, how large it claims to be, and what it may do.

Nothing is decoded. What passes here is still decoded in a worker process of its own, under the same limits.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

from darkroom.codecs.decoding import check_size
from darkroom.codecs.sniffing import cure_for, extension, format_of, formats, identify, sniff, unpack_svg
from darkroom.errors import CorruptImage, LimitExceeded, UnsafeContent, UnsupportedFormat
from darkroom.image import Format
from darkroom.safety.headers import Header, read_header
from darkroom.safety.svg import Malformed, Unsafe, check_svg

if TYPE_CHECKING:
    from darkroom.settings import Limits

HEAD_BYTES = 1_000_000
"""How much of an upload :func:`check_upload` is best given; what comes later it does not need, but for an SVG."""
SVG_BYTES = 10_000_000
"""Longest text of an SVG, which is read whole."""
NAME_BYTES = 200
"""Longest name, in UTF-8: file systems take 255 with whatever is put before and after."""

MEDIA_TYPES: dict[Format, tuple[str, ...]] = {
    "jpeg": ("image/jpeg", "image/jpg", "image/pjpeg"),
    "png": ("image/png", "image/x-png", "image/apng", "image/vnd.mozilla.apng"),
    "webp": ("image/webp",),
    "avif": ("image/avif", "image/avif-sequence"),
    "tiff": ("image/tiff", "image/tiff-fx"),
    "gif": ("image/gif",),
    "bmp": ("image/bmp", "image/x-bmp", "image/x-ms-bmp"),
    "svg": ("image/svg+xml", "image/svg"),
    "ppm": (
        "image/x-portable-pixmap",
        "image/x-portable-anymap",
        "image/x-portable-graymap",
        "image/x-portable-bitmap",
    ),
    "ico": ("image/vnd.microsoft.icon", "image/x-icon", "image/ico"),
}
"""What each format is called in a Content-Type; the first is the registered name."""
_SAYS_NOTHING = ("", "application/octet-stream", "binary/octet-stream", "image/*", "*/*")

_FORBIDDEN = str.maketrans(dict.fromkeys('<>:"|?*', "_"))
_RESERVED = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|clock\$|(?:com|lpt)[0-9¹²³])\s*(?:\.|$)", re.IGNORECASE)
_UNSEEN = ("Cc", "Cf", "Cs", "Cn", "Zl", "Zp")
"""Categories of control, format (bidirectional ones too), unpaired and unassigned characters, and breaks."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """An upload that may be taken.

    ``name`` is safe and ends as the content does. ``width``, ``height`` and ``frames`` are what the header claims, in
    pixels before any orientation is applied; None where the bytes at hand do not say. ``bytes`` is the length that was
    announced, None where none was.
    """

    format: Format
    media_type: str
    name: str
    width: int | None
    height: int | None
    frames: int | None
    bytes: int | None


def check_upload(
    head: bytes,
    name: str,
    declared_type: str | None,
    length: int | None,
    limits: Limits,
    *,
    types: Collection[Format] | None = None,
) -> Accepted:
    """Hold an upload's first bytes against what is allowed.

    Quick, but for an SVG, whose reading takes up to a second for :data:`SVG_BYTES`: call it beside an event loop.

    Args:
        head: its first bytes, best :data:`HEAD_BYTES`, or all where it has fewer; of an SVG always all.
        name: as the client gave it.
        declared_type: its Content-Type, where it has one.
        length: its length in bytes, where it was announced.
        limits: for bytes, pixels, dimensions and frames.
        types: formats that are allowed; None for every one that is read.

    Raises:
        UnsupportedFormat: the content is of a type that is not allowed, or not of the one it is said to be.
        LimitExceeded: it is, or claims to be, larger than a limit.
        CorruptImage: it is empty, or its header cannot be true.
        UnsafeContent: it is an SVG that runs code or fetches things.
    """
    shown = safe_name(name)
    size = max(len(head), length or 0)
    if not head:
        raise CorruptImage(f"{shown} is empty: it has no bytes.", cure="Fetch or save it again.")
    if size > limits.input_bytes:
        raise LimitExceeded(
            f"{shown} has {size / 1e6:.1f} MB; the limit is {limits.input_bytes / 1e6:.1f} MB.",
            cure="Give a smaller file, or raise limits.input_bytes.",
        )
    format = _type(head, shown, declared_type, types)
    header = _svg(head, shown, size, limits) if format == "svg" else read_header(head, format)
    if header is not None:
        if min(header.width, header.height) < 1:
            raise CorruptImage(
                f"{shown} is damaged: its header says {header.width} x {header.height} pixels.",
                cure="Fetch or export it again.",
            )
        check_size(shown, header.width, header.height, header.frames, limits)
    return Accepted(
        format=format,
        media_type=MEDIA_TYPES[format][0],
        name=shown if format_of(shown) == format else safe_name(PurePath(shown).stem + extension(format)),
        width=header.width if header is not None else None,
        height=header.height if header is not None else None,
        frames=header.frames if header is not None else None,
        bytes=length,
    )


def safe_name(name: str) -> str:
    """A file name for any file system out of one that somebody else chose; the same again for what it gives.

    The last part of a path, in Unicode's form C, without control, format and bidirectional characters, leading dots,
    names that Windows reserves and characters that it forbids; at most :data:`NAME_BYTES`, and never empty.
    """
    part = next((part for part in reversed(re.split(r"[/\\]", name)) if part.strip(" .")), "")
    part = "".join(
        " " if unicodedata.category(c) == "Zs" else c for c in part if unicodedata.category(c) not in _UNSEEN
    )
    part = re.sub(" +", " ", unicodedata.normalize("NFC", part).translate(_FORBIDDEN)).strip(" .")
    if _RESERVED.match(part):
        part = f"_{part}"
    stem, dot, suffix = part.rpartition(".")
    if not dot or len(suffix.encode()) > 20:
        stem, suffix = part, ""
    stem = _cut(stem, NAME_BYTES - len(suffix.encode()) - 1)
    return (f"{stem}.{suffix}" if suffix else stem) or "unnamed"


def _cut(text: str, most: int) -> str:
    """As much of a text as has ``most`` bytes in UTF-8, no character and no accent cut in two."""
    if len(text.encode()) <= most:
        return text
    short = text.encode()[:most].decode("utf-8", "ignore")
    end = len(short)
    while end > 1 and end < len(text) and unicodedata.combining(text[end]):
        end -= 1
    return short[:end].rstrip(" .")


def _type(head: bytes, name: str, declared: str | None, types: Collection[Format] | None) -> Format:
    format = sniff(head)
    if format is None:
        kind = identify(head)
        what = f"is of a type that is not read: {kind}" if kind else "is not a picture of any known type"
        raise UnsupportedFormat(f"{name} {what}.", cure=cure_for(kind))
    if format not in (formats() if types is None else types):
        allowed = ", ".join(one.upper() for one in formats() if one in (types or ()))
        raise UnsupportedFormat(
            f"{name} is a {format.upper()}, which is not taken here.", cure=f"Convert it to one of {allowed} first."
        )
    said = (declared or "").split(";", 1)[0].strip().lower()
    if said not in _SAYS_NOTHING and said not in MEDIA_TYPES[format]:
        raise UnsupportedFormat(
            f"{name} is said to be {_shown(said)}, and its content is {MEDIA_TYPES[format][0]}.",
            cure=f"Send it as {MEDIA_TYPES[format][0]}, or without a type.",
        )
    return format


def _svg(head: bytes, name: str, size: int, limits: Limits) -> Header | None:
    most = min(SVG_BYTES, limits.input_bytes)
    try:
        text = unpack_svg(head, most)
    except ValueError as error:
        raise CorruptImage(f"{name} is damaged: {error}.", cure="Fetch or export it again.") from error
    if len(text) > most or size > len(head):
        raise LimitExceeded(
            f"{name} is an SVG of more than the {min(most, len(head)) / 1e6:.1f} MB that are checked.",
            cure="Simplify it, or export it as PNG.",
        )
    try:
        drawn = check_svg(text)
    except Unsafe as error:
        raise UnsafeContent(
            f"{name} was not taken, as it {error}.", cure='Export it as "plain SVG" without that, or as PNG.'
        ) from error
    except Malformed as error:
        raise CorruptImage(f"{name} is damaged: {error}.", cure="Fetch or export it again.") from error
    return Header(round(drawn[0]) or 1, round(drawn[1]) or 1) if drawn is not None and min(drawn) > 0 else None


def _shown(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in text)[:80]
