"""What routes ask for: the studio, and who it is that asks."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections.abc import AsyncGenerator, Callable, Coroutine
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import structlog
from fastapi import Depends, Request
from fastapi.security import APIKeyHeader, HTTPBearer
from fastapi.security.http import HTTPAuthorizationCredentials

from darkroom.errors import Cancelled, InvalidParameters, NotAllowed, NotAuthenticated, TooManyRequests
from darkroom.server.keys import LOCAL, Principal, Scope
from darkroom.server.problems import MEDIA_TYPE
from darkroom.server.schemas import ID
from darkroom.server.studio import Studio

if TYPE_CHECKING:
    from darkroom.database.schema import ImageRow, JobRow

GONE_SECONDS = 0.25
"""How often it is looked whether somebody still waits."""
T = TypeVar("T")

_ID = re.compile(ID, re.ASCII)
_bearer = HTTPBearer(auto_error=False, description="An API key, as `darkroom keys create` makes them.")
_header = APIKeyHeader(name="X-API-Key", auto_error=False, description="The same, where a bearer cannot be sent.")


def studio_of(request: Request) -> Studio:
    """The studio of the application."""
    studio: Studio = request.app.state.studio
    return studio


TheStudio = Annotated[Studio, Depends(studio_of)]


async def _principal(
    request: Request,
    studio: TheStudio,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
    header: Annotated[str | None, Depends(_header)],
) -> Principal:
    """Who asks. Raises NotAuthenticated, TooManyRequests."""
    text = bearer.credentials if bearer is not None else header
    if text is None:
        if studio.needs_key:
            raise NotAuthenticated(
                "The request has no API key.", cure="Send it as Authorization: Bearer, or as X-API-Key."
            )
        return LOCAL
    address = request.client.host if request.client is not None else ""
    wait = studio.rates.blocked(address)
    if wait > 0:
        raise TooManyRequests("Too many wrong keys came from your address.", cure="Wait a minute.", retry_after=wait)
    principal = await asyncio.to_thread(studio.keys.verify, text)
    if principal is None:
        studio.rates.failed(address)
        raise NotAuthenticated(
            "The API key is not known, was revoked, or its time is over.", cure="`darkroom keys list` shows all."
        )
    return principal


def needs(scope: Scope) -> Callable[..., AsyncGenerator[Principal]]:
    """A dependency that lets in whom the scope allows, within the limits of rates, until the answer is sent."""

    async def admitted(
        principal: Annotated[Principal, Depends(_principal)], studio: TheStudio
    ) -> AsyncGenerator[Principal]:
        if not principal.allows(scope):
            raise NotAllowed(
                f"The key {principal.name} may not do that: it lacks the scope {scope}.",
                cure="Make a key with that scope.",
            )
        structlog.contextvars.bind_contextvars(key=principal.id or "local")
        if principal is LOCAL:
            # The owner, on the machine itself: a page of theirs shows a thousand thumbnails at once.
            yield principal
            return
        async with studio.rates.admit(principal):
            yield principal

    return admitted


Reader = Annotated[Principal, Depends(needs("read"))]
Writer = Annotated[Principal, Depends(needs("write"))]
Keeper = Annotated[Principal, Depends(needs("models"))]
Owner = Annotated[Principal, Depends(needs("admin"))]


async def unless_gone(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """The result of some work, which is stopped where whoever asked for it has left. Raises Cancelled then.

    The body of the request must have been read.
    """
    task = asyncio.ensure_future(work)
    try:
        while not (await asyncio.wait([task], timeout=GONE_SECONDS))[0]:
            if await request.is_disconnected():
                raise Cancelled("Whoever asked did not wait for the answer.")
        return task.result()
    finally:
        task.cancel()


def owner_of(principal: Principal) -> str | None:
    """Whose pictures and jobs somebody may see; None for everybody's."""
    return None if principal.allows("admin") else principal.id


def hide(row: JobRow | ImageRow, principal: Principal) -> bool:
    """Whether something must look as if it was not there."""
    owner = owner_of(principal)
    return owner is not None and row.owner != owner


def cursor_of(created: datetime, identifier: str) -> str:
    """Where a page of a list ends, as a text to be given back."""
    return base64.urlsafe_b64encode(json.dumps([created.isoformat(), identifier]).encode()).decode().rstrip("=")


def after_of(cursor: str | None) -> tuple[datetime, str] | None:
    """The time and id that a cursor means. Raises InvalidParameters."""
    if cursor is None:
        return None
    try:
        moment, identifier = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        read = datetime.fromisoformat(moment)
        if not _ID.fullmatch(identifier) or read.tzinfo is None:
            raise ValueError
        return read.astimezone(UTC), identifier
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise InvalidParameters(
            "after is no cursor of a list.", cure="Give what was in `next`.", field="after"
        ) from error


BODY = (413, 504)
"""What a request with a body may end in: it is too long, or comes too slowly."""
WORKING = (404, 409, 413, 415, 500, 501, 502, 504, 507)
"""What work on a picture may end in while somebody waits for it."""


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The errors of a route, for its documentation; those that every route may have are always among them."""
    words = {
        400: "The picture or the request is damaged.",
        401: "No key, or a wrong one.",
        403: "Not allowed.",
        404: "Not here.",
        406: "No format that is asked for can be given.",
        409: "It does not fit what is here.",
        413: "Too large.",
        415: "Not of a type that is read.",
        416: "There are no such bytes.",
        422: "A value is not allowed.",
        429: "Too many at once; Retry-After says when.",
        500: "Something unexpected happened.",
        501: "Something that is needed is not installed.",
        502: "A connection to another host failed.",
        503: "Something that the service stands on is not well, or it goes on with other settings just now.",
        504: "It took too long.",
        507: "Not enough memory or disk.",
    }
    again = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer", "minimum": 1}}}
    headers = {
        401: {"WWW-Authenticate": {"description": "Always Bearer.", "schema": {"type": "string"}}},
        429: again,
        503: {"Retry-After": {**again["Retry-After"], "description": "Seconds, where the code is restarting."}},
    }
    return {
        status: {
            "description": words[status],
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
            **({"headers": headers[status]} if status in headers else {}),
        }
        for status in sorted({401, 403, 422, 429, 503, *statuses})
    }
