"""The application: its routes, what every request passes, and the parts behind it, brought up and down with it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.routing import APIRoute

from darkroom.server import page, problems
from darkroom.server.front import Front
from darkroom.server.routes import catalogue, health, images, jobs, local_media, owner, transformed
from darkroom.server.studio import Studio
from darkroom.version import version

if TYPE_CHECKING:
    from darkroom.settings import Settings

DESCRIPTION = """Cut out, enlarge, crop and clean up pictures on your own machine.

A picture is uploaded once and has versions: number 0 is what was given, each job makes one more. Work is a list of
operations, or the name of a recipe; short work can be waited for, longer work is a job that tells how far it is.

Errors are problem documents (RFC 9457) with a `code` that stays as it is, and a `cure`.
"""


def create_app(settings: Settings) -> FastAPI:
    """The service for these settings. Touches nothing until it is started."""
    studio = Studio(settings)

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        await asyncio.to_thread(studio.start)
        try:
            yield
        finally:
            await studio.stop()

    app = FastAPI(
        title="Darkroom",
        version=version(),
        description=DESCRIPTION,
        lifespan=lifespan,
        generate_unique_id_function=_name,
        separate_input_output_schemas=False,
        # FastAPI's own pages load scripts from elsewhere, and tell them who looks.
        docs_url=None,
        redoc_url=None,
    )
    app.state.studio = studio
    problems.add_to(app)
    api = APIRouter(prefix="/api/v1")
    for module in (images, jobs, catalogue, owner):
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
    front: Any = Front
    app.add_middleware(front, studio=studio)
    return app


def _name(route: APIRoute) -> str:
    """What a client's function for a route is called: the resource and what is done."""
    return f"{route.tags[0] if route.tags else 'api'}-{route.name}".replace(" ", "-").replace("_", "-")
