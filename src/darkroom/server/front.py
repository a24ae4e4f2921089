"""What every request passes first: whom it is addressed to, where it comes from, how long and slow it is, and the log.

A service on this machine is reached by every page that is open in its browsers. Two things keep those out: a request
must be addressed to a name of this machine (else a name that was made to lead here could be used, DNS rebinding), and
one that changes something must not come from another page's origin.
"""

from __future__ import annotations

import logging
import re
import time
import uuid
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import structlog
from fastapi.routing import APIRoute

from darkroom.addresses import is_loopback
from darkroom.errors import DarkroomError, HostRefused, InvalidParameters, LimitExceeded, OriginRefused
from darkroom.server.patience import Patient
from darkroom.server.problems import respond

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from darkroom.server.studio import Studio

log = logging.getLogger("darkroom.access")

BODY_BYTES = 4_000_000
"""Longest body that is no upload."""
_SAFE = ("GET", "HEAD", "OPTIONS")
_METHODS = (*_SAFE, "POST", "PUT", "PATCH", "DELETE")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
)


class Front:
    """The outermost part of the application."""

    def __init__(self, app: ASGIApp, studio: Studio) -> None:
        self._app = app
        self._studio = studio
        self._routes: dict[str, str] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        given = headers.get("x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        scope.setdefault("state", {})["id"] = request_id
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request=request_id)
        started = time.perf_counter()
        server = self._studio.settings.server
        patient = Patient(receive, server.upload_seconds, server.upload_rate)
        status: int = 500
        begun = False

        async def answer(message: Message) -> None:
            nonlocal status, begun
            if message["type"] == "http.response.start":
                begun = True
                status = message["status"]
                present = {name for name, _ in message["headers"]}
                added = [*_HEADERS, (b"x-request-id", request_id.encode())]
                if patient.gave_up:
                    added.append((b"connection", b"close"))
                message["headers"] = [*message["headers"], *(one for one in added if one[0] not in present)]
            await send(message)

        metrics = self._studio.metrics
        metrics.open.inc()
        try:
            self._check(scope, headers)
            await self._app(scope, patient, answer)
        except DarkroomError as error:
            await respond(error, request_id, whole=not self._studio.needs_key)(scope, receive, answer)
        except Exception:
            # Answered already; what comes out here is for the log.
            log.exception("%s %s failed", scope["method"], scope["path"])
            if not begun:
                raise
        finally:
            seconds = time.perf_counter() - started
            metrics.open.dec()
            path = self._route_of(scope)
            # Whatever a client calls a method is not kept for ever.
            method = scope["method"] if scope["method"] in _METHODS else "other"
            metrics.answered(method, path, status, seconds)
            # The path, never the query, which may hold what is nobody else's.
            extra = {"method": scope["method"], "path": scope["path"], "status": status, "ms": round(1000 * seconds, 1)}
            quiet = path in ("/health", "/ready", "/metrics") and status < 400
            log.log(logging.DEBUG if quiet else logging.INFO, "request", extra=extra)

    def _route_of(self, scope: Scope) -> str:
        """The route that has answered, as the API's document writes it; few words, whatever is asked for."""
        if not self._routes:
            document = scope["app"].openapi()["paths"]
            self._routes = {
                operation["operationId"]: path for path, methods in document.items() for operation in methods.values()
            }
        route = scope.get("route")
        return self._routes.get(operation_id(route), "other") if isinstance(route, APIRoute) else "other"

    def _check(self, scope: Scope, headers: dict[str, str]) -> None:
        """Raises HostRefused for a request that is not meant for us, OriginRefused for one that another page has made.

        InvalidParameters and LimitExceeded for one that is not read.
        """
        if [name for name, _ in scope["headers"]].count(b"host") > 1:
            raise InvalidParameters("The request has two Host headers.", field="Host")
        host = _name_of(f"//{headers.get('host', '')}")
        server = self._studio.settings.server
        own = {*server.hosts, *(_name_of(url) for url in (server.public_url, server.cdn_url) if url)}
        here = is_loopback(server.host)
        # Who listens to the network has named its keys; who listens to this machine only must be addressed as it.
        if here and not (is_loopback(host) or host in own):
            raise HostRefused(
                f"The request is addressed to {host[:100] or 'nobody'}, which is not a name of this service.",
                cure="Add it to server.hosts if it is.",
            )
        length = headers.get("content-length", "")
        multipart = scope["method"] == "POST" and headers.get("content-type", "").startswith("multipart/")
        if not multipart and length.isdecimal() and int(length) > BODY_BYTES:
            # Where no length is told the framework cuts it off, in words of its own.
            raise _too_long()
        origin = headers.get("origin")
        if scope["method"] in _SAFE or origin is None:
            return
        allowed = origin in server.cors_origins or "*" in server.cors_origins
        if not allowed and origin.partition("://")[2] != headers.get("host") and _name_of(origin) not in own:
            raise OriginRefused(
                f"A page of {origin[:100]} may not use this service.", cure="Add it to server.cors_origins if it may."
            )


def _too_long() -> LimitExceeded:
    return LimitExceeded(
        f"The request is longer than the {BODY_BYTES / 1e6:g} MB that are allowed.", cure="Send less at once."
    )


def operation_id(route: APIRoute) -> str:
    """What a client's function for a route is called: the resource and what is done."""
    return "-".join([*map(str, route.tags[:1]), route.name]).replace(" ", "-").replace("_", "-")


def _name_of(address: str) -> str:
    """The host of an address, without its port; empty where there is none."""
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""
