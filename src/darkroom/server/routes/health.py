"""``/health``, ``/ready`` and ``/metrics``: for whoever looks after the service."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Response

from darkroom.server import metrics, schemas
from darkroom.server.dependencies import Reader, TheStudio, problems
from darkroom.version import version

router = APIRouter(tags=["health"])


@router.get("/health")
async def health() -> schemas.Health:
    """The process lives. Needs no key and tries nothing."""
    return schemas.Health(status="ok", version=version())


@router.get("/ready", responses={503: {"description": "Not ready.", "model": schemas.Readiness}})
async def ready(studio: TheStudio, response: Response) -> schemas.Readiness:
    """Whether the service can take work: everything that it stands on is tried. Needs no key."""
    found = await studio.readiness()
    response.status_code = 200 if found.ready else 503
    return found


@router.get(
    "/metrics",
    response_class=Response,
    responses={
        200: {
            "description": "For Prometheus.",
            "content": {metrics.MEDIA_TYPE.partition(";")[0]: {"schema": {"type": "string"}}},
        },
        **problems(),
    },
)
async def numbers(studio: TheStudio, who: Reader) -> Response:
    """Requests, queue, seconds by operation, models loaded, bytes that left, as Prometheus reads them."""
    return Response(await asyncio.to_thread(studio.metrics.text), media_type=metrics.MEDIA_TYPE)
