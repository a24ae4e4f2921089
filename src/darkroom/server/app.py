"""The application: its routes, what every request passes, and the parts behind it, brought up and down with it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, FastAPI
from fastapi.middleware.cors import CORSMiddleware

from darkroom.server import page, problems
from darkroom.server.front import BODY_BYTES, Front, operation_id
from darkroom.server.routes import catalogue, health, images, jobs, local_media, owner, transformed, webhooks
from darkroom.server.studio import Studio
from darkroom.version import version

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from darkroom.settings import Settings

THREADS = 32
"""For what waits: the database, the disk. A machine of few cores would have so few that some slow ones stop all."""
DESCRIPTION = """Cut out, enlarge, crop and clean up pictures on your own machine.

A picture is uploaded once and has versions: number 0 is what was given, each job makes one more. Work is a list of
operations, or the name of a recipe; short work can be waited for, longer work is a job that tells how far it is.

Errors are problem documents (RFC 9457) with a `code` that stays as it is, and a `cure`.
"""


class Application(FastAPI):
    """The application, behind its :class:`Front`: outermost, so that nothing answers in words that are not ours."""

    def __init__(self, studio: Studio, **options: Any) -> None:
        super().__init__(**options)
        self.state.studio = studio
        self._front = Front(super().__call__, studio)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await self._front(scope, receive, send)


def create_app(settings: Settings) -> Application:
    """The service for these settings. Touches nothing until it is started."""
    studio = Studio(settings)

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS, "darkroom-service"))
        await asyncio.to_thread(studio.start)
        try:
            yield
        finally:
            await studio.stop()

    app = Application(
        studio,
        title="Darkroom",
        version=version(),
        description=DESCRIPTION,
        lifespan=lifespan,
        generate_unique_id_function=operation_id,
        separate_input_output_schemas=False,
        max_body_size=BODY_BYTES,
        # FastAPI's own pages load scripts from elsewhere, and tell them who looks.
        docs_url=None,
        redoc_url=None,
    )
    problems.add_to(app)
    if studio.telemetry is not None:
        studio.telemetry.instrument(app)
    api = APIRouter(prefix="/api/v1")
    for module in (images, jobs, webhooks, catalogue, owner):
        api.include_router(module.router)
    app.include_router(api)
    app.include_router(local_media.router)
    app.include_router(transformed.router)
    app.include_router(health.router)
    app.include_router(page.router)
    if settings.server.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.server.cors_origins,
            allow_methods=["*"],
            allow_headers=["*"],
            expose_headers=["Darkroom-Report", "Darkroom-Cache", "Link", "Retry-After", "ETag", "Content-Disposition"],
        )
    return app
