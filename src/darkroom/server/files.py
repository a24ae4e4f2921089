"""Stored files as answers: whole or in part (RFC 9110, ranges), by their digest as entity tag."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.responses import RedirectResponse, StreamingResponse

from darkroom.codecs.sniffing import extension
from darkroom.errors import RangeNotSatisfiable
from darkroom.image import Format
from darkroom.safety.validation import MEDIA_TYPES

if TYPE_CHECKING:
    from darkroom.settings import Settings
    from darkroom.storage.storage import Storage

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
    if digest in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    if settings is not None and settings.server.links == "presigned":
        url = await storage.url(digest, settings.server.link_seconds, name=name, content_type=media_type)
        if url is not None:
            return RedirectResponse(url, status_code=307, headers={"Cache-Control": "no-store"})
    start, end, status = 0, size, 200
    wanted = _RANGE.fullmatch(request.headers.get("range", "").replace(" ", ""))
    if wanted is not None and request.headers.get("if-range", f'"{digest}"') == f'"{digest}"' and any(wanted.groups()):
        start, end = _span(wanted[1], wanted[2], size)
        status = 206
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    headers["Content-Length"] = str(end - start)
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers, media_type=media_type)
    pieces = await storage.open(digest, start, end - start)
    return StreamingResponse(_closing(pieces), status_code=status, headers=headers, media_type=media_type)


def disposition(name: str, *, download: bool) -> str:
    """The header that names a file (RFC 6266)."""
    kind = "attachment" if download else "inline"
    plain = re.sub(r"[^A-Za-z0-9 ._()-]", "_", name)
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def named(name: str, format: Format) -> str:
    """A picture's name with the suffix of another format."""
    stem = name.rpartition(".")[0] or name
    return stem + extension(format)


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
