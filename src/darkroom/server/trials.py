"""Trying what the service stands on: its database, its storage, its queue, its virus scanner."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from darkroom.errors import DarkroomError
from darkroom.server import schemas

if TYPE_CHECKING:
    from darkroom.database.connection import Database
    from darkroom.safety.scanning import Scanner
    from darkroom.storage.storage import Storage

log = logging.getLogger("darkroom.server")

SECONDS = 5.0
"""How long each may take."""

Trial = Callable[[], Awaitable[str | None]]
"""Tries something, and says what it is. Raises DarkroomError."""


def trials(database: Database, storage: Storage, queue: Callable[[], str], scanner: Scanner | None) -> dict[str, Trial]:
    """One for each, by its name; none for a scanner that is not there."""

    async def try_database() -> str:
        await asyncio.to_thread(database.check)
        return database.url.get_backend_name()

    async def try_storage() -> str:
        await storage.check()
        return storage.name

    async def try_queue() -> str:
        return await asyncio.to_thread(queue)

    found: dict[str, Trial] = {"database": try_database, "storage": try_storage, "queue": try_queue}
    if scanner is not None:

        async def try_scanner() -> str | None:
            await scanner.check()
            return scanner.version

        found["scanner"] = try_scanner
    return found


async def tried(trials: dict[str, Trial], *, whole: bool) -> dict[str, schemas.Dependency]:
    """What came of them, all at once. Whoever may not know the ``whole`` is told what is not well; the log says why."""
    done = await asyncio.gather(*(_tried(name, trial, whole) for name, trial in trials.items()))
    return dict(zip(trials, done, strict=True))


async def _tried(name: str, trial: Trial, whole: bool) -> schemas.Dependency:
    started = time.perf_counter()
    problem = about = None
    try:
        about = await asyncio.wait_for(trial(), SECONDS)
    except DarkroomError as error:
        problem = str(error) if whole else error.title()
        if not whole:
            log.warning("%s: %s", name, error)
    except TimeoutError:
        problem = f"It did not answer within {SECONDS:g} seconds."
    return schemas.Dependency(
        ok=problem is None, seconds=round(time.perf_counter() - started, 4), problem=problem, about=about
    )
