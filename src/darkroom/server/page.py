"""``/`` and ``/docs``: the studio page, as ``make page`` built it from ``web/`` into the package.

The page is static: it asks the API for everything. It loads nothing from elsewhere, and its Content-Security-Policy
lets it load nothing from elsewhere, so that looking at it tells nobody of it.
"""

from __future__ import annotations

import re
from pathlib import Path as FilePath
from typing import Annotated

from fastapi import APIRouter, Header
from fastapi.responses import FileResponse, HTMLResponse, Response

from darkroom.errors import FileMissing

router = APIRouter(tags=["page"], include_in_schema=False)

FOLDER = FilePath(__file__).with_name("page")
"""Where the built page lies: Vite writes it, git ignores it, the wheel has it."""

POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "font-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)
"""The Content-Security-Policy of every page."""

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}
_ENCODINGS = (("br", ".br"), ("gzip", ".gz"))
_NOT_BUILT = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Darkroom</title>
<h1>Darkroom runs; its page was not built</h1>
<p>Build it with <code>make page</code> in the checkout (it needs Node 20), then load this page again.
A release has the page built in.</p>
<p>The HTTP API works without it: <a href="/openapi.json">its description</a>, and <code>darkroom --help</code>
for the command line.</p>
</html>
"""

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}", re.ASCII)

Accepted = Annotated[str, Header(alias="Accept-Encoding")]


@router.api_route("/", methods=["GET", "HEAD"])
def page(accept_encoding: Accepted = "") -> Response:
    """The studio page; where it was not built, how to build it."""
    return _document("index.html", accept_encoding)


@router.api_route("/docs", methods=["GET", "HEAD"])
def docs(accept_encoding: Accepted = "") -> Response:
    """Every operation of the API, read from ``/openapi.json``."""
    return _document("docs.html", accept_encoding)


@router.api_route("/assets/{name}", methods=["GET", "HEAD"])
def asset(name: str, accept_encoding: Accepted = "") -> Response:
    """A part of the page. Its name has a digest of what is in it, so it may be kept for ever."""
    return _file(FOLDER / "assets" / name, accept_encoding, cache="public, max-age=31536000, immutable")


@router.api_route("/icon.svg", methods=["GET", "HEAD"])
def icon(accept_encoding: Accepted = "") -> Response:
    """The mark of the page. Its name stays, as that of the next one."""
    return _file(FOLDER / "icon.svg", accept_encoding, cache="no-cache")


@router.api_route("/theme.js", methods=["GET", "HEAD"])
def theme(accept_encoding: Accepted = "") -> Response:
    """What sets light or dark before anything is drawn."""
    return _file(FOLDER / "theme.js", accept_encoding, cache="no-cache")


def _document(name: str, accept_encoding: str) -> Response:
    path = FOLDER / name
    if not path.is_file():
        answer: Response = HTMLResponse(_NOT_BUILT, headers={"Cache-Control": "no-store"})
    else:
        answer = _file(path, accept_encoding, cache="no-cache")
    answer.headers["Content-Security-Policy"] = POLICY
    return answer


def _file(path: FilePath, accept_encoding: str, *, cache: str) -> Response:
    """A file of the page, compressed where the browser takes that. Raises FileMissing."""
    media_type = _TYPES.get(path.suffix)
    if media_type is None or _NAME.fullmatch(path.name) is None or not path.is_file():
        raise FileMissing(f"There is no {path.name} in the page.", cure="Load the page again: it may be a new one.")
    headers = {"Cache-Control": cache, "Vary": "Accept-Encoding", "Cross-Origin-Resource-Policy": "same-origin"}
    for encoding, suffix in _ENCODINGS:
        smaller = path.with_name(path.name + suffix)
        if _accepts(accept_encoding, encoding) and smaller.is_file():
            return FileResponse(smaller, media_type=media_type, headers={**headers, "Content-Encoding": encoding})
    return FileResponse(path, media_type=media_type, headers=headers)


def _accepts(header: str, encoding: str) -> bool:
    """Whether a browser takes an encoding (RFC 9110, 12.5.3): named, and not with a weight of none."""
    for part in header.split(","):
        name, _, weight = part.strip().partition(";")
        if name.strip().lower() == encoding:
            return re.fullmatch(r"\s*q=0(\.0*)?\s*", weight) is None
    return False
