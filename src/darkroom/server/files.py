"""Stored files as answers: whole or in part (RFC 9110, ranges), by their digest as entity tag."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any

from fastapi import Request, Response
from fastapi.responses import RedirectResponse, StreamingResponse

from darkroom.codecs.sniffing import extension
from darkroom.errors import RangeNotSatisfiable
from darkroom.image import Format
from darkroom.safety.validation import MEDIA_TYPES
from darkroom.storage.signing import disposition

if TYPE_CHECKING:
    from darkroom.settings import Settings
    from darkroom.storage.storage import Storage

_ANSWERS = {
    200: "The file.",
    206: "Part of it.",
    304: "It has not changed.",
    307: "Where it is, where `server.links` says presigned.",
}
_HEADERS: dict[int, dict[str, str]] = {
    200: {"ETag": "The file's SHA-256.", "Content-Disposition": "What it is called.", "Cache-Control": "Who keeps it."},
    206: {"ETag": "The file's SHA-256.", "Content-Range": "Which bytes, and of how many."},
    304: {"ETag": "The file's SHA-256."},
    307: {"Location": "A link to the bucket that ends after a while."},
}
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)


async def answer(
    request: Request,
    storage: Storage,
    *,
    digest: str,
    size: int,
    format: Format,
    name: str,
    download: bool = False,
    cache: str = "private, no-cache",
    settings: Settings | None = None,
) -> Response:
    """A stored file, or a part of it, or that it has not changed, as the request's headers ask.

    Args:
        request: with Range, If-Range and If-None-Match.
        storage: where the file is.
        digest: of the file.
        size: in bytes.
        format: of the picture.
        name: what a browser is to call it.
        download: have a browser keep it rather than show it.
        cache: for Cache-Control.
        settings: where a link to the bucket may be handed out in place of the bytes.

    Raises:
        RangeNotSatisfiable: it has no such bytes.
        FileMissing: it is not stored any more.
    """
    media_type = MEDIA_TYPES[format][0]
    headers = {
        "ETag": f'"{digest}"',
        "Cache-Control": cache,
        "Accept-Ranges": "bytes",
        "Content-Disposition": disposition(name, download=download or format == "svg"),
        # What was uploaded is shown, never run.
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    }
    # Of what was asked for by POST there are no parts, and nobody has kept it (RFC 9110, 13.2.1 and 14.2).
    asked = request.headers if request.method in ("GET", "HEAD") else {}
    known = asked.get("if-none-match", "").strip()
    if known == "*" or digest in known:
        return Response(status_code=304, headers=headers)
    if settings is not None and settings.server.links == "presigned":
        url = await storage.url(digest, settings.server.link_seconds, name=name, content_type=media_type)
        if url is not None:
            return RedirectResponse(url, status_code=307, headers={"Cache-Control": "no-store"})
    start, end, status = 0, size, 200
    wanted = _RANGE.fullmatch(asked.get("range", "").replace(" ", ""))
    if wanted is not None and asked.get("if-range", f'"{digest}"') == f'"{digest}"' and _means_bytes(*wanted.groups()):
        start, end = _span(wanted[1], wanted[2], size)
        status = 206
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    headers["Content-Length"] = str(end - start)
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers, media_type=media_type)
    pieces = await storage.open(digest, start, end - start)
    return StreamingResponse(_closing(pieces), status_code=status, headers=headers, media_type=media_type)


def documented(*statuses: int, headers: Mapping[str, str] | None = None) -> dict[int | str, dict[str, Any]]:
    """What :func:`answer` gives, for a route's documentation; ``headers`` are what the route adds to the file's own."""
    picture = {"image/*": {"schema": {"type": "string", "format": "binary"}}}
    return {
        status: {
            "description": _ANSWERS[status],
            "headers": {
                name: {"description": text, "schema": {"type": "string"}}
                for name, text in {**_HEADERS[status], **(headers or {})}.items()
            },
            **({"content": picture} if status in (200, 206) else {}),
        }
        for status in statuses
    }


def named(name: str, format: Format) -> str:
    """A picture's name with the suffix of another format."""
    stem = name.rpartition(".")[0] or name
    return stem + extension(format)


def _means_bytes(first: str, last: str) -> bool:
    """Whether a range says which bytes; one that ends before it begins is none, and ignored (RFC 9110, 14.1.1)."""
    return bool(first or last) and not (first and last and int(last) < int(first))


def _span(first: str, last: str, size: int) -> tuple[int, int]:
    """First byte and byte after the last of a range. Raises RangeNotSatisfiable."""
    if not first:
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), min(int(last) + 1, size) if last else size
    if start >= end:
        raise RangeNotSatisfiable(f"The file has {size} bytes, and none of those asked for.", cure="Ask for others.")
    return start, end


async def _closing(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    try:
        async for piece in pieces:
            yield piece
    finally:
        close = getattr(pieces, "aclose", None)
        if close is not None:
            await close()
