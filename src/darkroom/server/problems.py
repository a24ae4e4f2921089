"""Every error as a problem document (RFC 9457), whoever raised it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from darkroom.errors import DarkroomError, InvalidParameters, LimitExceeded
from darkroom.server.schemas import Problem

log = logging.getLogger("darkroom.server")

MEDIA_TYPE = "application/problem+json"
_LONGEST_FIELD = 200


class ProblemResponse(JSONResponse):
    """A problem document."""

    media_type = MEDIA_TYPE


def problem_of(error: DarkroomError, request_id: str | None, *, whole: bool) -> Problem:
    """The document of one of our errors.

    ``whole`` is that whoever asks may know all of it; others are told no more of the machine than what is not well.
    """
    if error.private and not whole:
        error = type(error)(error.title(), cure="Try again later; the log of the service says more.", field=error.field)
    return Problem(
        type=f"urn:darkroom:error:{error.code}",
        title=error.title(),
        status=error.http_status,
        detail=_written(error.message),
        code=error.code,
        cure=error.cure and _written(error.cure),
        field=error.field and _written(error.field),
        request_id=request_id,
    )


def _written(text: str) -> str:
    """A text that may quote what a request said, as it can be sent: half of a surrogate pair cannot."""
    return text.encode("utf-8", "replace").decode()


def respond(error: DarkroomError, request_id: str | None, *, whole: bool = True) -> ProblemResponse:
    """The answer to a request that ended in one of our errors; ``whole`` as in :func:`problem_of`."""
    headers: dict[str, str] = {}
    wait = getattr(error, "retry_after", None)
    if wait is not None:
        headers["Retry-After"] = str(max(1, round(wait)))
    if error.http_status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    content = problem_of(error, request_id, whole=whole).model_dump(mode="json")
    return ProblemResponse(content, status_code=error.http_status, headers=headers)


def add_to(app: FastAPI) -> None:
    """Have the application answer every error so."""

    def known(request: Request, error: Exception) -> ProblemResponse:
        assert isinstance(error, DarkroomError)
        if error.http_status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            log.warning("%s", error)
        return respond(error, _id_of(request), whole=not request.app.state.studio.needs_key)

    def invalid(request: Request, error: Exception) -> ProblemResponse:
        assert isinstance(error, RequestValidationError)
        return respond(explained(error.errors()), _id_of(request))

    def http(request: Request, error: Exception) -> ProblemResponse:
        assert isinstance(error, HTTPException)
        if error.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            long = LimitExceeded("The request is longer than what is allowed.", cure="Send less at once.")
            return respond(long, _id_of(request))
        if error.status_code == HTTPStatus.BAD_REQUEST and isinstance(error.__cause__, Exception):
            # The framework could not read the body, or receiving it failed.
            return respond(_unread(error.__cause__), _id_of(request))
        words = HTTPStatus(error.status_code).phrase
        problem = Problem(
            type="about:blank",
            title=words,
            status=error.status_code,
            detail=f"{request.method} {request.url.path[:200]}: {words.lower()}.",
            code=words.lower().replace(" ", "_"),
            cure="GET /docs lists what there is." if error.status_code in (404, 405) else None,
            request_id=_id_of(request),
        )
        return ProblemResponse(problem.model_dump(mode="json"), status_code=error.status_code, headers=error.headers)

    def unexpected(request: Request, error: Exception) -> ProblemResponse:
        fault = DarkroomError(
            "Something unexpected happened.", cure="This is a fault of Darkroom; the log of the service shows where."
        )
        return respond(fault, _id_of(request))

    app.add_exception_handler(DarkroomError, known)
    app.add_exception_handler(Exception, unexpected)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)


def _unread(error: Exception) -> DarkroomError:
    if isinstance(error, DarkroomError):
        return error
    return InvalidParameters(f"The body of the request cannot be read: {error}.", cure="Send JSON, in UTF-8.")


def explained(problems: Sequence[Any]) -> InvalidParameters:
    """What is wrong with a request, as one of our errors: each field, and what is wrong with it."""
    parts: list[str] = []
    for problem in problems:
        message = str(problem["msg"]).removeprefix("Value error, ")
        if problem["type"] == "extra_forbidden":
            message = "is not a known name"
        where = _field(problem["loc"])
        parts.append(f"{where}: {message}" if where else message)
    first = _field(problems[0]["loc"]) if problems else ""
    return InvalidParameters(
        f"The request is wrong: {'; '.join(parts[:10])}.", cure="See /docs for what is allowed.", field=first or None
    )


def _field(location: Sequence[int | str]) -> str:
    """Where in a request something is, without the names that pydantic gives to members of a union."""
    parts = [str(part) for part in location if "[" not in str(part)]
    if parts and parts[0] in ("body", "query", "path", "header"):
        parts = parts[1:]
    return ".".join(parts)[:_LONGEST_FIELD]


def _id_of(request: Request) -> str | None:
    return getattr(request.state, "id", None)
